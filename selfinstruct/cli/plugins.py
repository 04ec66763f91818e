"""`selfinstruct plugins`."""

import click

from selfinstruct.cli.saying import say


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Say it as JSON.")
def plugins(as_json: bool) -> int:  # noqa: FBT001 - click hands options over by name
    """What installed packages add: stages, rules, formats and models, and why one of them cannot be used.

    Example:  selfinstruct plugins --json
    """
    import json

    from selfinstruct.run.plugin_list import plugin_list

    found = plugin_list()
    if as_json:
        say(json.dumps([one.as_json() for one in found], ensure_ascii=False, indent=1))
        return 0
    if not found:
        say("no plug-in is installed; a recipe may also name package.module:Name", err=True)
    for one in found:
        package = f"{one.plugin.package} {one.plugin.version}".strip()
        broken = f"  cannot be used: {one.fault}" if one.fault else ""
        say(f"{one.plugin.kind:<8} {one.plugin.name:<20} {one.plugin.where:<44} {package}{broken}")
    return 0
