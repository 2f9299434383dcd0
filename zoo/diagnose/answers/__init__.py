"""The look at kept answers alone: no image, no file and no framework is needed."""

from zoo.diagnose.answers.look import look

__all__ = ["look"]
