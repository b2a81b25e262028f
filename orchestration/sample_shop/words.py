"""What the sample shop is made of: categories, styles, brands. Every number of it was made up."""

# leaf: (path above, least and most price in USD of a middle brand, head nouns, materials, silhouette, use)
CATEGORIES: dict[str, tuple[str, int, int, tuple[str, ...], tuple[str, ...], str, str]] = {
    "Sofas": ("Home > Living room", 420, 1900, ("Three-Seater Sofa", "Loveseat", "Corner Sofa"), ("velvet", "linen", "leather", "boucle"), "sofa", "long evenings"),
    "Armchairs": ("Home > Living room", 160, 780, ("Reading Chair", "Armchair", "Lounge Chair"), ("velvet", "linen", "leather", "rattan"), "chair", "an hour with a book"),
    "Coffee tables": ("Home > Living room", 90, 620, ("Coffee Table", "Nesting Tables"), ("oak", "walnut", "glass", "marble"), "table", "the middle of the room"),
    "Side tables": ("Home > Living room", 45, 260, ("Side Table", "End Table"), ("oak", "walnut", "steel", "marble"), "table", "a cup within reach"),
    "TV stands": ("Home > Living room", 140, 720, ("TV Stand", "Media Console"), ("oak", "walnut", "bamboo"), "cabinet", "hiding the cables"),
    "Bookcases": ("Home > Living room", 90, 640, ("Bookcase", "Wall Shelf"), ("oak", "walnut", "steel", "pine"), "shelf", "books and plants"),
    "Rugs": ("Home > Textiles", 60, 540, ("Wool Rug", "Flatweave Rug", "Round Rug"), ("wool", "jute", "cotton"), "rug", "bare feet"),
    "Cushions": ("Home > Textiles", 12, 62, ("Cushion", "Cushion Cover"), ("linen", "velvet", "cotton"), "cushion", "the last touch"),
    "Throws": ("Home > Textiles", 22, 140, ("Throw", "Knitted Blanket"), ("wool", "cotton", "mohair"), "rug", "cold mornings"),
    "Curtains": ("Home > Textiles", 28, 150, ("Curtain Pair", "Sheer Curtain"), ("linen", "cotton", "velvet"), "rug", "soft light"),
    "Floor lamps": ("Home > Lighting", 45, 320, ("Floor Lamp", "Arc Lamp"), ("brass", "steel", "oak"), "lamp", "a warm corner"),
    "Table lamps": ("Home > Lighting", 25, 180, ("Table Lamp", "Bedside Lamp"), ("ceramic", "brass", "glass"), "lamp", "a bedside or a sideboard"),
    "Pendant lights": ("Home > Lighting", 35, 290, ("Pendant Light", "Hanging Lamp"), ("rattan", "glass", "steel"), "lamp", "above the table"),
    "Task lamps": ("Home > Lighting", 24, 160, ("Task Lamp", "Desk Lamp"), ("steel", "brass", "aluminium"), "lamp", "clear light on paper"),
    "Vases": ("Home > Decor", 14, 95, ("Vase", "Bud Vase"), ("ceramic", "glass", "stoneware"), "vase", "a few branches"),
    "Mirrors": ("Home > Decor", 40, 320, ("Round Mirror", "Wall Mirror"), ("oak", "brass", "steel"), "mirror", "making a hall larger"),
    "Wall art": ("Home > Decor", 18, 190, ("Framed Print", "Canvas Print"), ("paper", "canvas", "oak"), "mirror", "an empty wall"),
    "Candles": ("Home > Decor", 9, 48, ("Scented Candle", "Pillar Candle"), ("wax", "glass", "ceramic"), "vase", "the evening"),
    "Beds": ("Home > Bedroom", 280, 1500, ("Bed Frame", "Upholstered Bed"), ("oak", "walnut", "linen", "velvet"), "bed", "a quiet night"),
    "Bed linen": ("Home > Bedroom", 38, 210, ("Duvet Cover Set", "Sheet Set"), ("cotton", "linen", "bamboo"), "bed", "eight hours"),
    "Nightstands": ("Home > Bedroom", 55, 310, ("Nightstand", "Bedside Table"), ("oak", "walnut", "pine"), "cabinet", "what you need at night"),
    "Wardrobes": ("Home > Bedroom", 240, 1300, ("Wardrobe", "Clothes Rail"), ("oak", "pine", "steel"), "cabinet", "a tidy room"),
    "Dining tables": ("Home > Dining", 220, 1400, ("Dining Table", "Extending Table"), ("oak", "walnut", "marble"), "table", "six people"),
    "Dining chairs": ("Home > Dining", 55, 340, ("Dining Chair", "Spindle Chair"), ("oak", "rattan", "velvet", "steel"), "chair", "long dinners"),
    "Dinnerware": ("Home > Dining", 28, 180, ("Dinner Plate Set", "Bowl Set"), ("stoneware", "porcelain", "ceramic"), "plate", "every day and guests"),
    "Glassware": ("Home > Dining", 16, 110, ("Wine Glass Set", "Tumbler Set"), ("glass", "crystal"), "vase", "a toast"),
    "Cutlery": ("Home > Dining", 24, 190, ("Cutlery Set", "Steak Knife Set"), ("steel", "brass"), "plate", "a laid table"),
    "Pasta pots": ("Kitchen > Cooking", 32, 160, ("Pasta Pot", "Stock Pot"), ("steel", "aluminium", "enamel"), "pot", "pasta night"),
    "Frying pans": ("Kitchen > Cooking", 22, 150, ("Frying Pan", "Cast Iron Skillet"), ("steel", "iron", "aluminium"), "pot", "crisp edges"),
    "Colanders": ("Kitchen > Tools", 12, 52, ("Colander", "Pasta Strainer"), ("steel", "enamel", "silicone"), "pot", "pasta night"),
    "Chopping boards": ("Kitchen > Tools", 14, 90, ("Chopping Board", "Serving Board"), ("oak", "walnut", "bamboo"), "plate", "herbs and cheese"),
    "Pasta makers": ("Kitchen > Tools", 35, 180, ("Pasta Maker", "Ravioli Tray"), ("steel", "aluminium"), "pot", "pasta night"),
    "Coffee makers": ("Kitchen > Coffee", 24, 320, ("French Press", "Moka Pot", "Pour-Over Set"), ("glass", "steel", "ceramic"), "pot", "the first cup"),
    "Mugs": ("Kitchen > Coffee", 8, 42, ("Mug", "Espresso Cup Pair"), ("stoneware", "porcelain", "enamel"), "vase", "the first cup"),
    "Desks": ("Home office > Furniture", 130, 820, ("Writing Desk", "Standing Desk"), ("oak", "walnut", "steel"), "table", "a clear head"),
    "Office chairs": ("Home office > Furniture", 110, 640, ("Office Chair", "Ergonomic Chair"), ("linen", "leather", "steel"), "chair", "eight good hours"),
    "Desk organisers": ("Home office > Accessories", 10, 70, ("Desk Organiser", "Pen Tray"), ("oak", "felt", "steel"), "cabinet", "a tidy desk"),
    "Tents": ("Outdoor > Camping", 90, 520, ("Two-Person Tent", "Family Tent"), ("polyester", "cotton"), "tent", "a weekend outside"),
    "Sleeping bags": ("Outdoor > Camping", 40, 260, ("Sleeping Bag", "Kids Sleeping Bag"), ("down", "polyester", "cotton"), "bed", "cool nights"),
    "Camping stoves": ("Outdoor > Camping", 28, 190, ("Camping Stove", "Gas Cooker"), ("steel", "aluminium"), "pot", "soup under the stars"),
    "Lanterns": ("Outdoor > Camping", 16, 110, ("Camping Lantern", "Garden Lantern"), ("steel", "glass", "brass"), "lamp", "finding the way back"),
    "Garden chairs": ("Outdoor > Garden", 48, 310, ("Garden Chair", "Deck Chair"), ("teak", "rattan", "aluminium"), "chair", "summer evenings"),
    "Running shoes": ("Sport > Running", 58, 190, ("Running Shoes", "Trail Shoes"), ("mesh", "rubber"), "shoe", "the first ten kilometres"),
    "Running jackets": ("Sport > Running", 45, 210, ("Running Jacket", "Rain Jacket"), ("polyester", "nylon"), "tent", "wind and rain"),
    "Water bottles": ("Sport > Accessories", 11, 52, ("Water Bottle", "Insulated Bottle"), ("steel", "glass"), "vase", "every trip"),
    "Toy boxes": ("Kids > Room", 28, 170, ("Toy Box", "Storage Bench"), ("pine", "cotton", "rattan"), "cabinet", "ten minutes of tidying"),
}  # fmt: skip
STYLES = {
    "mid-century": ("tapered legs", "warm wood and clean lines"),
    "scandinavian": ("a light, calm shape", "pale wood and soft wool"),
    "industrial": ("visible joints", "dark metal and honest surfaces"),
    "boho": ("woven details", "natural fibres and warm colours"),
    "japandi": ("a low, quiet outline", "little of it, well made"),
    "classic": ("turned details", "a shape that stays"),
}
COLORS = {
    "white": "#f4f1ea", "black": "#2b2b2b", "grey": "#8d9196", "beige": "#d9c8ab", "green": "#7d9471", "blue": "#5f7f9e",
    "terracotta": "#c1694f", "mustard": "#d2a03a", "pink": "#d9a5a0", "brown": "#7b5a43", "navy": "#2d3e5c", "brass": "#b8923f",
}  # fmt: skip
_FIRST = "Alder Birch Calla Dune Ember Fern Grove Haven Isle Juniper Kite Lark Maple North Otter Pine Quill Reed Sage Tide".split()
_SECOND = ("& Finch", "Works")
BRANDS = [f"{first} {second}" for second in _SECOND for first in _FIRST]
"""Forty; their price tier rises with their place in the list."""
NAMES = "Nora Elin Otto Mila Hugo Ida Bruno Alma Jonas Vera Felix Tilda Arlo Signe Emil Greta Anton Lotte Oskar Maja Linus Ylva Theo Astrid".split()
PAIRS = {
    "Sofas": "Coffee tables", "Armchairs": "Floor lamps", "Tents": "Sleeping bags", "Pasta pots": "Colanders",
    "Desks": "Task lamps", "Dining tables": "Dining chairs", "Beds": "Bed linen", "Coffee makers": "Mugs",
    "Running shoes": "Water bottles", "Dinnerware": "Glassware", "Rugs": "Cushions", "Camping stoves": "Lanterns",
}  # fmt: skip
"""Planted truth: who buys the left one buys the right one in the same order with probability PAIR_SHARE."""
PAIR_SHARE = 0.45
CONVERSION = {"control": 0.060, "treatment": 0.072}
"""Planted truth: the share of sessions that end in a purchase."""
