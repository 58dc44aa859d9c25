"""HTML pages that load nothing from the network: the style is inline, and images are data URIs.

A page is a Jinja template in `templates/` of the package that writes it. Every template may include the files
of `vaekit/utils/templates`, such as the shared `style.css`. Values are escaped unless a template marks them
as safe, and a value that a template names but does not get is an error.
"""

from __future__ import annotations

import base64
from typing import Any

SCREEN_DPI = 120
"""Dots per inch at which the smallest letters of a figure are about as large as its caption."""


def render_page(package: str, template: str, **values: Any) -> str:
    """Fill a template of a package.

    Args:
        package: dotted name of the package; the template is in its folder `templates`.
        template: file name of the template.
        values: the variables of the template.

    Returns:
        The text of the page.

    Raises:
        jinja2.UndefinedError: the template names a value that is missing.

    >>> ":root" in render_page("vaekit.utils", "style.css")
    True
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("vaekit.utils")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)


def data_uri(content: bytes, media_type: str) -> str:
    """The content of a file as a URI that a page holds itself.

    Args:
        content: the bytes of the file.
        media_type: its type, such as "image/png".

    >>> data_uri(b"vae", "text/plain")
    'data:text/plain;base64,dmFl'
    """
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
