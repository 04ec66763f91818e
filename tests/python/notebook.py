"""Runs the code cells of a notebook in order, in this process, as a kernel would: to test them, and to renew outputs.

python notebook.py FILE.ipynb      runs it in the working directory, and writes it with its outputs to stdout
"""

import ast
import contextlib
import io
import json
import linecache
import sys
from pathlib import Path
from typing import Any


def run(cells: list[dict[str, Any]], names: dict[str, Any]) -> None:
    """Fill in the outputs of every code cell; an exception of a cell ends it, as it would end a reader's patience."""
    number = 0
    for cell in cells:
        if cell["cell_type"] == "code":
            number += 1
            cell["execution_count"], cell["outputs"] = number, outputs("".join(cell["source"]), number, names)


def outputs(source: str, number: int, names: dict[str, Any]) -> list[dict[str, Any]]:
    """What a cell prints, and what its last expression shows."""
    file = f"<cell {number}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)  # functions have a source
    tree = ast.parse(source, file)
    ends = tree.body[-1] if tree.body else None
    last = ends if isinstance(ends, ast.Expr) else None
    tree.body = tree.body[:-1] if last else tree.body
    said, shown = io.StringIO(), None
    with contextlib.redirect_stdout(said):
        exec(compile(tree, file, "exec"), names)
        if last is not None:
            shown = eval(compile(ast.Expression(last.value), file, "eval"), names)
    outputs: list[dict[str, Any]] = []
    if text := said.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": text.splitlines(keepends=True)})
    if shown is not None:
        data = {"text/plain": repr(shown).splitlines(keepends=True)}
        if hasattr(shown, "_repr_html_"):
            data["text/html"] = shown._repr_html_().splitlines(keepends=True)
        outputs.append({"output_type": "execute_result", "execution_count": number, "data": data, "metadata": {}})
    return outputs


if __name__ == "__main__":
    notebook = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    run(notebook["cells"], globals())
    sys.stdout.write(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")
