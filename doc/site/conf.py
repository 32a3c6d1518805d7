# conf.py: how Sphinx makes the site of doc/ and the headers' reference; tools/build-doc.sh runs it, in a tree of links to the repository.
import os
import re
from pathlib import Path

repository = Path(os.environ["AURAIO_SOURCE"])
version = ".".join(re.findall(r"^#define AURA_VERSION_[MP][A-Z]* (\d+)", (repository / "include/auraio/aura.h").read_text(), re.MULTILINE))

project = f"auraio {version}"
copyright = "the authors of auraio; Apache License 2.0"
release = version
root_doc = "doc/index"
extensions = ["myst_parser", "breathe", "sphinx_copybutton"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["README.md", "doc/site", "bindings", "example", "test", "benchmark", "tools", "include"]

# The pages are read on a forge as well: their links are relative, their anchors those of headings.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]

breathe_projects = {"auraio": os.environ["AURAIO_DOXYGEN_XML"]}
breathe_default_project = "auraio"
breathe_domain_by_extension = {"h": "c", "hpp": "cpp"}
breathe_show_include = False
breathe_default_members = ("members", "undoc-members")
c_id_attributes = ["AURA_API", "AURA_ONLY_ADDRESS"]
cpp_id_attributes = ["AURA_API"]

html_theme = "furo"
html_title = project
html_static_path = [str(repository / "doc/site/static")]
html_css_files = ["auraio.css"]
html_copy_source = False
html_show_sphinx = False
pygments_style = "friendly"
pygments_dark_style = "monokai"


def without_folders(app, name, source):
    """A link to a folder leads somewhere on a forge, and nowhere here."""
    here = (repository / f"{name}.md").parent
    source[0] = re.sub(r"\[([^\]]+)\]\(([^)#\s:]+)\)", lambda m: f"`{m[1]}`" if (here / m[2]).is_dir() else m[0], source[0])


def setup(app):
    app.connect("source-read", without_folders)
