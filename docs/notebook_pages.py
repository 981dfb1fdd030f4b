"""Makes a page of every notebook in docs/notebooks when the documentation is built: its texts, code, printed lines and pictures."""

import base64
import json
import pathlib
import re
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

EMBEDDED = re.compile(r'<img alt="([^"]*)" src="data:image/png;base64,([^"]*)">')


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds `notebooks/NAME.md` and its pictures for every `notebooks/NAME.ipynb`; MkDocs calls it when it has found the files."""
    for path in sorted(pathlib.Path(config.docs_dir, "notebooks").glob("*.ipynb")):
        page, pictures = page_of(json.loads(path.read_text(encoding="utf-8")), path.stem)
        files.append(File.generated(config, f"notebooks/{path.stem}.md", content=page))
        for name, picture in pictures.items():
            files.append(File.generated(config, f"notebooks/{name}", content=picture))
    return files


def on_page_markdown(markdown: str, **_) -> str:
    """Turns each link to a notebook into a link to its page; MkDocs calls it for every page."""
    return re.sub(r"\]\(((?:\.\./)?notebooks/\w+)\.ipynb", r"](\1.md", markdown)


def page_of(notebook: dict[str, Any], name: str) -> tuple[str, dict[str, bytes]]:
    """Converts a notebook to Markdown; also returns its pictures by the names of their files."""
    parts, pictures = [], {}

    def add_picture(alt: str, encoded: str) -> str:
        file = f"{name}_{len(pictures) + 1}.png"
        pictures[file] = base64.b64decode(encoded)
        return f"\n\n![{alt}]({file})\n\n"

    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                parts.append(add_picture("", data["image/png"]))
            elif "text/html" in data:
                parts.append(EMBEDDED.sub(lambda found: add_picture(*found.groups()), "".join(data["text/html"])).replace("<br>", ""))
            else:
                text = "".join(data.get("text/plain", output.get("text", [])))
                parts.append(f"```text\n{text.rstrip()}\n```")
    title, rest = parts[0].split("\n", 1)
    return "\n\n".join([title, f"*[Download this notebook]({name}.ipynb) for Jupyter.*", rest, *parts[1:]]), pictures
