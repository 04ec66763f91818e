"""Word lists of `make_natinst.py`: plain facts of English and of the world."""

# ruff: noqa: SIM905, E501 - words read better as words

NAMES = (
    "Anna Boris Clara David Elena Felix Greta Hugo Irene Jonas Karin Louis Marta Nils Olga Peter Rosa Simon Tessa Ulrich "
    "Vera Walter Yara Zoe Bruno Celia Dora Emil Frida Gustav"
).split()
CITIES = (
    "Lisbon Oslo Vienna Prague Athens Dublin Madrid Warsaw Zurich Bergen Porto Lyon Turin Graz Ghent Malmo Riga Sofia "
    "Tallinn Vilnius Leeds Bath York Cork Bonn Trier Nice Pisa Siena Bern"
).split()
FOODS = "bread soup cheese cake rice fish pasta stew salad pie honey jam porridge dumplings".split()
JOBS = (
    "baker teacher nurse pilot farmer painter lawyer plumber gardener librarian driver cook tailor sailor potter dentist "
    "waiter joiner glazier miller butcher barber clerk guard judge miner porter singer dancer writer"
).split()
GOODS = "lamp chair kettle radio table clock bicycle jacket suitcase printer mirror camera blanket bucket fence door".split()
FINE = "wonderful excellent sturdy lovely reliable delightful".split()
POOR = "terrible useless broken awful flimsy disappointing".split()
VERBS = [
    ("work", "works"),
    ("live", "lives"),
    ("sing", "sings"),
    ("study", "studies"),
    ("swim", "swims"),
    ("dance", "dances"),
    ("teach", "teaches"),
    ("shop", "shops"),
]
PLAIN = (
    "apple river stone garden window umbrella kitten island letter bottle orange planet silver ocean butter engine "
    "winter summer pillow arrow candle forest mountain evening uncle carpet hammer insect ladder monkey napkin "
    "ocelot pepper rabbit saddle tunnel unit valley wagon yellow acorn basket copper dinner echo finger goose "
    "harbor iron jungle kettle lemon market needle olive pocket quarry rocket spider thunder urchin village walnut "
    "anchor bridge castle desert eagle fabric glove hollow ivory jacket kernel lantern marble noodle oyster parrot "
    "quilt ribbon sailor timber upset violet whistle yogurt album bubble cotton dagger elbow flower gravel hobby "
    "inbox jelly kiosk locket mirror nephew onion puzzle radish sunset turnip uproar velvet willow"
).split()
PALINDROMES = "level radar civic rotor kayak madam refer noon deed peep stats tenet solos sagas minim redder".split()
PLURALS = [
    ("child", "children"), ("mouse", "mice"), ("foot", "feet"), ("tooth", "teeth"), ("man", "men"), ("woman", "women"),
    ("leaf", "leaves"), ("wolf", "wolves"), ("knife", "knives"), ("city", "cities"), ("baby", "babies"), ("box", "boxes"),
    ("bus", "buses"), ("church", "churches"), ("dish", "dishes"), ("goose", "geese"), ("ox", "oxen"), ("shelf", "shelves"),
    ("lady", "ladies"), ("story", "stories"), ("watch", "watches"), ("glass", "glasses"), ("half", "halves"),
    ("loaf", "loaves"), ("table", "tables"), ("river", "rivers"), ("thief", "thieves"), ("wife", "wives"),
    ("fox", "foxes"), ("berry", "berries"), ("brush", "brushes"), ("class", "classes"), ("hero", "heroes"),
    ("potato", "potatoes"), ("tomato", "tomatoes"), ("life", "lives"), ("calf", "calves"), ("fly", "flies"),
    ("penny", "pennies"), ("bench", "benches"),
]  # fmt: skip
IRREGULAR = [
    ("go", "went"), ("see", "saw"), ("take", "took"), ("give", "gave"), ("write", "wrote"), ("drive", "drove"),
    ("eat", "ate"), ("drink", "drank"), ("sing", "sang"), ("swim", "swam"), ("run", "ran"), ("come", "came"),
    ("know", "knew"), ("grow", "grew"), ("fly", "flew"), ("bring", "brought"), ("buy", "bought"), ("catch", "caught"),
    ("teach", "taught"), ("think", "thought"), ("find", "found"), ("keep", "kept"), ("sleep", "slept"), ("feel", "felt"),
    ("leave", "left"), ("meet", "met"), ("sell", "sold"), ("tell", "told"), ("stand", "stood"), ("break", "broke"),
]  # fmt: skip
COMPARATIVES = [
    ("big", "bigger"), ("small", "smaller"), ("hot", "hotter"), ("thin", "thinner"), ("good", "better"), ("bad", "worse"),
    ("happy", "happier"), ("easy", "easier"), ("heavy", "heavier"), ("tall", "taller"), ("short", "shorter"),
    ("long", "longer"), ("fast", "faster"), ("slow", "slower"), ("cold", "colder"), ("warm", "warmer"), ("wet", "wetter"),
    ("old", "older"), ("young", "younger"), ("dark", "darker"), ("bright", "brighter"), ("busy", "busier"),
    ("early", "earlier"), ("strong", "stronger"), ("weak", "weaker"), ("cheap", "cheaper"),
]  # fmt: skip
OPPOSITES = [
    ("hot", "cold"), ("up", "down"), ("in", "out"), ("wet", "dry"), ("rich", "poor"), ("full", "empty"), ("high", "low"),
    ("open", "closed"), ("day", "night"), ("first", "last"), ("heavy", "light"), ("near", "far"), ("fast", "slow"),
    ("old", "new"), ("thick", "thin"), ("hard", "soft"), ("early", "late"), ("true", "false"), ("left", "right"),
    ("inside", "outside"), ("north", "south"), ("east", "west"), ("happy", "sad"), ("clean", "dirty"), ("loud", "quiet"),
    ("strong", "weak"), ("win", "lose"), ("push", "pull"), ("begin", "end"), ("above", "below"),
]  # fmt: skip
CAPITALS = [
    ("France", "Paris"), ("Italy", "Rome"), ("Spain", "Madrid"), ("Portugal", "Lisbon"), ("Germany", "Berlin"),
    ("Austria", "Vienna"), ("Poland", "Warsaw"), ("Greece", "Athens"), ("Norway", "Oslo"), ("Sweden", "Stockholm"),
    ("Finland", "Helsinki"), ("Denmark", "Copenhagen"), ("Ireland", "Dublin"), ("Hungary", "Budapest"),
    ("Belgium", "Brussels"), ("Japan", "Tokyo"), ("China", "Beijing"), ("Egypt", "Cairo"), ("Kenya", "Nairobi"),
    ("Canada", "Ottawa"), ("Cuba", "Havana"), ("Peru", "Lima"), ("Chile", "Santiago"), ("Russia", "Moscow"),
    ("Thailand", "Bangkok"), ("Iceland", "Reykjavik"), ("Bulgaria", "Sofia"), ("Romania", "Bucharest"),
]  # fmt: skip
CONTINENTS = {
    "Africa": "Kenya Ghana Nigeria Morocco Algeria Senegal Zambia".split(),
    "Asia": "Japan China India Vietnam Thailand Nepal Mongolia".split(),
    "Europe": "France Italy Norway Poland Greece Ireland Austria".split(),
    "South America": "Peru Chile Brazil Bolivia Ecuador Uruguay Paraguay".split(),
}
ANIMALS = {
    "mammal": "horse cow whale lion dog bat".split(),
    "bird": "sparrow eagle owl penguin duck swan".split(),
    "fish": "salmon trout shark tuna carp cod".split(),
    "insect": "ant bee beetle butterfly mosquito moth".split(),
    "reptile": "snake lizard crocodile turtle gecko iguana".split(),
}
INSTRUMENTS = {
    "string": "violin, cello, guitar, harp, viola, banjo, mandolin, lute, double bass".split(", "),
    "wind": "flute, clarinet, trumpet, oboe, trombone, tuba, bassoon, saxophone, recorder".split(", "),
    "percussion": "drum, xylophone, triangle, cymbals, tambourine, marimba, gong, bongos, castanets".split(", "),
}
FRUIT = {
    "fruit": "apple pear banana cherry plum grape orange peach mango apricot strawberry lemon".split(),
    "vegetable": "carrot cabbage onion potato spinach leek broccoli lettuce turnip celery radish asparagus".split(),
}
UNITS = {
    "length": ["metres", "kilometres", "miles"],
    "weight": ["kilograms", "grams", "tonnes"],
    "time": ["hours", "minutes", "weeks"],
    "volume": ["litres", "gallons", "millilitres"],
}
LIVING = {
    "alive": "oak, sparrow, rose, horse, fern, salmon, beetle, tulip, spider, pine tree, frog, cow, daisy".split(", "),
    "not alive": "brick, spoon, cloud, hammer, coin, window, river, book, glass, chair, sand, clock, bell".split(", "),
}
HOUSEHOLD = {
    "clothing": "shirt sock coat scarf trousers skirt jumper".split(),
    "furniture": "sofa wardrobe armchair bookcase bed desk stool".split(),
    "tool": "hammer saw screwdriver pliers spanner chisel drill".split(),
    "kitchen": "saucepan ladle whisk fork teapot plate colander".split(),
}
MONTHS = "January February March April May June July August September October November December".split()
CAUSES = [
    ("The lamp fell to the floor.", "The lamp broke."), ("It rained all night.", "The river rose."),
    ("Anna forgot her umbrella.", "Anna got wet."), ("The oven was too hot.", "The cake burned."),
    ("Boris studied for weeks.", "Boris passed the test."), ("The battery was empty.", "The torch went out."),
    ("The road was icy.", "The car slid."), ("Nobody watered the plant.", "The plant dried up."),
    ("Clara ran five miles.", "Clara was tired."), ("The window was left open.", "The room grew cold."),
    ("The ice melted.", "The glass ran over."), ("David missed his bus.", "David came late."),
    ("The alarm did not ring.", "Elena slept too long."), ("The tyre had a hole.", "The bicycle could not be ridden."),
    ("The dog saw a cat.", "The dog barked."), ("Felix ate nothing all day.", "Felix was hungry."),
    ("A branch hit the power line.", "The lights went out."), ("The milk stood in the sun.", "The milk turned sour."),
    ("Greta dropped her cup.", "There was tea on the floor."), ("The bridge was closed.", "Drivers took another road."),
    ("The wind blew hard.", "The hat flew away."), ("Hugo told a joke.", "Everybody laughed."),
    ("Snow fell on the village.", "The roofs turned white."), ("The pipe was cracked.", "Water ran down the wall."),
]  # fmt: skip
TALKING = {
    "greeting": ["Hello there!", "Good morning, everyone.", "Hi, Anna.", "Good evening, sir.", "Hey, welcome back."],
    "thanks": [
        "Thank you so much.", "Thanks for the lift.", "I am grateful for your help.", "Many thanks for the flowers.",
        "Thanks a lot, Boris.",
    ],
    "apology": [
        "I am sorry I am late.", "Please forgive me for shouting.", "My apologies for the mess.", "Sorry, that was my fault.",
        "I apologise for the mistake.",
    ],
    "question": [
        "What time is it?", "Where is the station?", "How old is your sister?", "When does the shop open?",
        "Which bus goes to town?",
    ],
    "request": [
        "Please close the door.", "Pass me the salt, please.", "Please call me tomorrow.", "Send me the letter, please.",
        "Please wait outside.",
    ],
}  # fmt: skip
SPEECH = [
    ("The bus is late", "the bus was late"), ("The shop is closed", "the shop was closed"),
    ("The soup is cold", "the soup was cold"), ("The train is full", "the train was full"),
    ("The door is open", "the door was open"), ("The film is long", "the film was long"),
    ("The water is warm", "the water was warm"), ("The book is new", "the book was new"),
    ("The road is wet", "the road was wet"), ("The tea is ready", "the tea was ready"),
]  # fmt: skip
_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
NUMBER_WORDS = {
    n: _ONES[n] if n < 20 else _TENS[n // 10 - 2] + (f"-{_ONES[n % 10]}" if n % 10 else "") for n in range(11, 100)
}
