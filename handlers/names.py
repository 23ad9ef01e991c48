"""Short names of tasks, which people can say and type."""

from __future__ import annotations

import hashlib
from typing import Final

BRANCHES: Final = "bellhop/"
"""How the names of branches begin that Bellhop pushes."""

_ADJECTIVES: Final = """
able agile airy alert ample apt ardent artful astute awake balmy beaming bold bonny bouncy brave
breezy brief bright brisk bubbly busy calm candid caring careful cheery chief chirpy civil classy
clean clear clever close comfy cool cordial cosy crafty crisp cuddly curious dainty dapper daring
dear deep deft devoted dewy direct dreamy driven dutiful eager early earnest easy elated elegant
epic equal exact expert fabled fair famous fancy fast fearless festive fine firm fit fleet fluent
fluffy fond frank free fresh friendly frosty funny gallant generous genial gentle genuine
gifted giving glad gleaming golden good graceful grand grateful great handy happy hardy hearty
helpful heroic honest hopeful humble ideal jaunty jolly jovial joyful jubilant just keen kind
lasting leafy level light likable lilting lively loyal lucid lucky mellow merry mighty mild mindful
modest musical natural neat new nimble noble notable novel open orderly patient peaceful peppy
perky placid playful pleasant plucky plush poised polished polite prime prompt proud pure quick
quiet radiant rapid ready regal robust rosy sage serene sharp shiny silky sincere sleek smart
smiling smooth snappy snug social solid sparkling spry stable starry steady sterling stellar
sturdy subtle sunny super sure sweet swift tactful tender thankful thrifty tidy tranquil trim true
trusty upbeat valiant vibrant vivid warm welcome whole willing wise witty worthy zany zesty zippy
""".split()  # noqa: SIM905  a list of one word a line would be 200 lines

_ANIMALS: Final = """
addax agouti albatross alpaca anchovy anole ant antelope armadillo auk avocet axolotl badger
barbet basilisk bat bear beaver bee beetle beluga bilby bison bittern bluebird bobcat bongo
bonobo bream budgie buffalo bulbul bullfinch bunting butterfly buzzard caiman camel canary
capybara caracal caribou cassowary cat catfish chameleon chamois cheetah chickadee chinchilla
chipmunk cicada clam cod condor coot coral cormorant cougar crab crane cricket crow cuckoo curlew
deer dingo dipper dolphin donkey dormouse dove dragonfly duck dugong dunlin eagle echidna eel
egret eider eland elephant elk emu ermine falcon fawn ferret finch firefly flamingo flounder fox
frog gannet gazelle gecko gerbil gibbon giraffe gnu goat goldfinch goose gopher goshawk grebe
grouse guanaco guppy gull haddock hamster hare harrier hawk hedgehog heron herring hippo hoopoe
hornbill horse hyrax ibex ibis iguana impala jackdaw jaguar jay jerboa kakapo kangaroo kestrel
kingfisher kinkajou kite kiwi koala koi kudu ladybird lamb lapwing lark lemming lemur leopard
linnet lion lizard llama lobster loris lynx macaw magpie mallard manatee mantis marlin marmot
marten meerkat merlin mink minnow mole mongoose moose moth mouse narwhal newt nightingale numbat
nuthatch ocelot octopus okapi oriole oryx osprey ostrich otter owl oyster panda pangolin parrot
partridge pelican penguin perch petrel pheasant pika plover pony porpoise possum puffin puma quail
quokka rabbit raccoon raven reindeer robin salmon seal swan tapir tern toucan turtle walrus wombat
wren yak zebra
""".split()  # noqa: SIM905  a list of one word a line would be 200 lines


def short_name(task_id: str, salt: int = 0) -> str:
    """Return a name such as `brave-otter-4f2`, always the same for the same arguments.

    There are some 200 million; where one is taken, ask again with another salt.

    Args:
        task_id: The task's id.
        salt: 0, 1, …: another number gives another name.
    """
    digest = hashlib.sha256(f"{task_id}:{salt}".encode()).digest()
    first, second, last = (int.from_bytes(digest[at : at + 4]) for at in (0, 4, 8))
    adjective = _ADJECTIVES[first % len(_ADJECTIVES)]
    animal = _ANIMALS[second % len(_ANIMALS)]
    return f"{adjective}-{animal}-{last % 4096:03x}"


def branch_name(name: str) -> str:
    """Return the branch on which the task of this short name works."""
    return f"{BRANCHES}{name}"
