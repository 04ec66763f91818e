"""From a few seed tasks and any language model to an instruction set in which every record is accounted for."""

__version__ = "0.1.0"
