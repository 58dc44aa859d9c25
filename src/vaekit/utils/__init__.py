"""Plumbing without mathematics: files, random streams, devices, memory and text.

Every package may import `vaekit.utils`; it imports nothing of vaekit but `vaekit.errors`.

    io        write files whole or not at all; JSON; files of one JSON record per line
    yaml      the YAML files of the package and of the user
    schema    the base class and the value types of everything that is read from YAML
    random    seeds, random streams and the states of the generators
    device    choose a device, set the threads, describe the environment
    memory    the memory of the machine, and the pages of memory-mapped files
    cpu       settings of the process that make small training steps faster
    seal      a file that says when it was changed
    interrupt Ctrl-C and SIGTERM on the command line
    format    numbers and durations as text
"""
