"""The documentation site: `make docs` writes it into site/."""

import re
import sys
from pathlib import Path

import vaekit

ROOT = Path(__file__).parents[1]
FILES = {"index": "README", "changes": "CHANGELOG", "contributing": "CONTRIBUTING", "security": "SECURITY"}
sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "vaekit"
version = release = vaekit.__version__
html_title = f"vaekit {release}"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_click",
    "sphinx_copybutton",
    "mathml",
    "recipe_tables",
]
exclude_patterns = ["_build", "**.ipynb_checkpoints"]

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {"navigation_with_keys": True}
html_math_renderer = "mathml"

myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_timeout = 900
nb_execution_raise_on_error = True

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True}
python_maximum_signature_line_length = 88
napoleon_use_ivar = True
copybutton_prompt_text = ">>> "
suppress_warnings = ["myst.header", "ref.python"]  # several classes are named VAE


def read_from_root(app, page, source):
    """Put a file of the repository at the start of its page, and let links to such files hold here."""
    for name, file in FILES.items():
        source[0] = source[0].replace(f"](../{file}.md", f"]({name}.md")
    if page not in FILES:
        return
    text = (ROOT / f"{FILES[page]}.md").read_text(encoding="utf-8").replace("](docs/", "](")
    for name, file in FILES.items():
        text = text.replace(f"]({file}.md", f"]({name}.md")
    source[0] = re.sub(r"\[([^]]*)\]\(src/[^)]*\)", r"`\1`", text) + "\n" + source[0]


def skip_member(app, what, name, member, skip, options):
    """Leave out what scikit-learn adds for its metadata routing."""
    return True if re.fullmatch(r"set_\w+_request|get_metadata_routing", name) else None


def _escape(text):
    return re.sub(r"([*|]|_\b)", r"\\\1", text)


def to_restructured_text(app, what, name, member, options, lines):
    """Docstrings are plain text with code in single backticks; make of them what Sphinx expects."""
    in_example = False
    for i, line in enumerate(lines):
        in_example = line.lstrip().startswith(">>>") or (in_example and bool(line.strip()))
        if not in_example:
            parts = re.split(r"(`[^`]+`)", line)
            lines[i] = "".join(f"`{part}`" if part.startswith("`") else _escape(part) for part in parts)


def setup(app):
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", to_restructured_text, priority=100)
    app.connect("source-read", read_from_root)
    app.connect("autodoc-skip-member", skip_member)
