"""General English words that no catalogue needs to teach: version 1."""

NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6,
    "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
}  # fmt: skip
COLORS = frozenset(
    "beige black blue brass bronze brown burgundy champagne charcoal chrome copper cream crimson cyan emerald gold "
    "golden gray green grey indigo ivory khaki lavender lilac magenta maroon mint mustard navy ochre olive orange "
    "peach pink plum purple red rose rust sage salmon sand silver tan taupe teal terracotta turquoise violet white "
    "yellow".split()
)
MATERIALS = frozenset(
    "acrylic alpaca aluminium aluminum ash bamboo beech birch boucle canvas cashmere ceramic concrete cork cotton "
    "denim down enamel felt fleece fur glass iron jute leather linen marble metal mohair nylon oak paper pine plastic "
    "plywood polyester porcelain rattan resin rubber satin seagrass silicone silk sisal slate stainless steel stone "
    "stoneware suede teak terrazzo velvet velour vinyl walnut wax wicker wood wooden wool".split()
)
STYLES = frozenset(
    "art-deco boho bohemian classic coastal contemporary cosy cozy country cottage eclectic elegant farmhouse french "
    "industrial japandi mediterranean mid-century minimal minimalist modern nordic retro romantic rustic scandinavian "
    "scandi shabby-chic sporty traditional tropical urban vintage".split()
)
# A room or an occasion asks for several products that belong together.
OCCASIONS = frozenset(
    "anniversary barbecue bathroom bbq bedroom birthday camping christmas commute dinner festival garden gift gym "
    "hiking holiday kitchen nursery office outfit party patio picnic room setup studio summer terrace travel trip "
    "wardrobe wedding weekend winter workspace workshop night flat apartment home set kit everything".split()
)
FILLERS = frozenset(
    "a an any anything below by can could do find for from get give good have hello help hi i i'd i'm in is it like "
    "looking me my need nice of on or our please show some something somewhere that the their them there these thing "
    "things this to total us want wants we we're what which will with would you your".split()
)
# "three-piece", "two seater": the number belongs to the name.
COUNTED_IN_A_NAME = frozenset(
    "ball button channel compartment cup day dimensional direction door drawer fold hole hour in inch layer leg light "
    "line man pack panel part person piece pieces pk player ply pocket point port quart ring season seat seater "
    "section shelf sided speed star step stage strand tier tiered tone way wheel year".split()
)
NOT_MONEY = frozenset(
    "cm mm m metre metres meter meters inch inches in ft feet foot kg g gram grams lb lbs oz ml l litre litres liter "
    "liters watt watts w v volt hour hours hrs day days week weeks month months year years min minutes people persons "
    "person guests kids children items products pieces percent gb tb mb mah hz mp".split()
)
