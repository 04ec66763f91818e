"""Seeds become tasks: instructions proposed, told apart, given instances.

In: the pool of seeds and of what earlier rounds kept. Out: tasks with instances, and everything that was dropped on
the way, each with its reason. Papers: Self-Instruct (Wang et al. 2023, arXiv 2212.10560) and Stanford Alpaca.

To change                                       open
how many demonstrations, which temperature      styles.py (tables)
a prompt's words                                prompts/*.txt (raise its version)
how a prompt is built, what it may answer       layouts.py; the readers are lists.py and entries.py
which tasks are shown                           propose.py
how classification tasks are told apart         classify.py; without a model offline.py and cues.py
how instances are asked for and read            instances.py, pairs.py
which instances are dropped                     prepare.py
the thirteen training forms                     encode.py
what the released program does, bit for bit     reference.py
"""
