from . import words


def text():
    return words.THREE
