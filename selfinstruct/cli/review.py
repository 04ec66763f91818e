"""`selfinstruct review`."""

from pathlib import Path

import click

from selfinstruct.cli.saying import say


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--n", "wanted", type=click.IntRange(1), default=200, show_default=True, help="Tasks to read.")
@click.option("--seed", type=click.IntRange(0), default=42, show_default=True, help="Which tasks are drawn.")
@click.option("--filled", type=click.Path(path_type=Path), help="A sheet somebody filled in: print its rates.")
@click.option("--second", type=click.Path(path_type=Path), help="A second reader's sheet: print their agreement.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The empty sheet; FOLDER/review.csv if not given."
)
@click.option("--ratings", is_flag=True, help="Rate answers of `score --suite user_oriented`, A to D.")
def review(
    folder: Path,
    *,
    wanted: int,
    seed: int,
    filled: Path | None,
    second: Path | None,
    output: Path | None,
    ratings: bool,
) -> int:
    """Draw a sheet of tasks to judge by hand; with --filled, read it back and print the paper's four rates.

    Example:  selfinstruct review runs/smoke --n 100 -o sheet.csv

    Example:  selfinstruct review runs/smoke --filled sheet.csv

    Example:  selfinstruct review runs/suite --ratings
    """
    if ratings:
        from selfinstruct.run.rating import empty_rating_sheet, ratings_told

        if filled is not None:
            say(ratings_told(folder, filled, second))
        else:
            say(empty_rating_sheet(folder, wanted, seed, output or folder / "ratings.csv"))
        return 0
    from selfinstruct.run.reviewing import empty_sheet, told

    if filled is not None:
        say(told(folder, filled, second))
        return 0
    say(empty_sheet(folder, wanted, seed, output or folder / "review.csv"))
    return 0
