"""A small drawing of each product: a silhouette of its kind in its colour."""

from html import escape

_SHAPES = {
    "sofa": '<rect x="30" y="90" width="140" height="45" rx="12"/><rect x="20" y="75" width="24" height="62" rx="10"/><rect x="156" y="75" width="24" height="62" rx="10"/><rect x="40" y="62" width="120" height="40" rx="12" opacity=".8"/>',
    "chair": '<rect x="65" y="45" width="70" height="60" rx="12" opacity=".8"/><rect x="58" y="98" width="84" height="26" rx="8"/><path d="M66 124l-8 36M134 124l8 36" stroke="#6b4f3a" stroke-width="6"/>',
    "table": '<rect x="28" y="82" width="144" height="14" rx="5"/><path d="M46 96l-8 60M154 96l8 60" stroke="#6b4f3a" stroke-width="7"/>',
    "cabinet": '<rect x="40" y="50" width="120" height="95" rx="6"/><path d="M100 54v87" stroke="#fff" stroke-width="3" opacity=".6"/><circle cx="92" cy="97" r="4" fill="#fff"/><circle cx="108" cy="97" r="4" fill="#fff"/>',
    "shelf": '<path d="M45 40v120M155 40v120M45 60h110M45 95h110M45 130h110" stroke-width="8" fill="none" stroke="currentColor"/><rect x="60" y="66" width="12" height="29"/><rect x="76" y="70" width="10" height="25"/><rect x="110" y="103" width="24" height="27" rx="9"/>',
    "rug": '<rect x="30" y="65" width="140" height="75" rx="6"/><path d="M40 80h120M40 125h120" stroke="#fff" stroke-width="4" opacity=".6"/>',
    "cushion": '<rect x="55" y="60" width="90" height="90" rx="22"/><path d="M70 75l60 60" stroke="#fff" stroke-width="3" opacity=".5"/>',
    "lamp": '<path d="M70 50h60l16 48H54z"/><path d="M100 98v62M76 160h48" stroke="#6b4f3a" stroke-width="6"/>',
    "vase": '<path d="M84 50h32l-4 26c20 16 22 60 2 84H86c-20-24-18-68 2-84z"/>',
    "mirror": '<circle cx="100" cy="100" r="56"/><circle cx="100" cy="100" r="45" fill="#fff" opacity=".75"/>',
    "bed": '<rect x="30" y="95" width="140" height="40" rx="8"/><rect x="30" y="60" width="12" height="90" rx="4"/><rect x="48" y="80" width="44" height="20" rx="8" fill="#fff"/>',
    "plate": '<circle cx="100" cy="104" r="56"/><circle cx="100" cy="104" r="36" fill="#fff" opacity=".5"/>',
    "pot": '<rect x="52" y="80" width="96" height="66" rx="12"/><rect x="46" y="70" width="108" height="12" rx="6"/><path d="M36 96h16M148 96h16" stroke="currentColor" stroke-width="8"/>',
    "tent": '<path d="M100 48l70 100H30z"/><path d="M100 90l22 58H78z" fill="#fff" opacity=".6"/>',
    "shoe": '<path d="M36 128c0-30 16-46 26-50l22 22c20 12 60 8 80 28v12H36z"/><rect x="36" y="136" width="128" height="10" rx="5" fill="#fff" stroke="#999"/>',
}  # fmt: skip


PALE = 3 * 0xD8
"""Sum of red, green and blue above which a thing would be lost on its ground."""


def draw(shape: str, color: str, title: str) -> str:
    """An SVG without script or link, less than 2 kB; what is pale has an outline."""
    is_pale = sum(bytes.fromhex(color.removeprefix("#"))) > PALE
    outline = '#b3a592" stroke-width="1.5' if is_pale else "none"
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200" role="img">'
        f'<title>{escape(title)}</title><rect width="200" height="200" fill="#f3efe8"/>'
        '<ellipse cx="100" cy="164" rx="70" ry="7" fill="#000" opacity=".08"/>'
        f'<g fill="{color}" stroke="{outline}" color="{color}">{_SHAPES[shape]}</g></svg>'
    )
