"""The models a recipe names: read as mappings or short strings, and refused where their kind does not exist."""

from collections.abc import Mapping
from typing import Any

from selfinstruct.errors import BadInput
from selfinstruct.models.hosted import hosted_model
from selfinstruct.models.make import check_spec, plugin_model
from selfinstruct.run.roles import built_name
from selfinstruct.run.yaml_file import COMMAND_LINE, YamlFile


def with_hosted_models(recipe: dict[str, Any], file: YamlFile) -> dict[str, Any]:
    """The recipe with every model that is written as a mapping read; BadInput names the line."""
    models = recipe.get("models")
    if not isinstance(models, Mapping):
        return recipe
    read = {
        role: hosted_model(model, file.place(("models", role))) if isinstance(model, Mapping) else model
        for role, model in models.items()
    }
    return {**recipe, "models": read}


def check_kinds(specs: Mapping[str, str], file: YamlFile) -> None:
    """BadInput for the first model of a kind that does not exist."""
    for role, spec in specs.items():
        if built_name(spec) is None:
            try:
                check_spec(spec)
                found = plugin_model(spec)
                if found is not None:
                    found[0].load()
            except BadInput as fault:
                if file.name == COMMAND_LINE:  # whoever typed a model knows nothing of roles
                    raise
                what = f"model '{role}': {fault.what}"
                raise BadInput(what, place=file.place(("models", role)), fix=fault.fix) from None
