"""Looking at the wire: requests with their answers, wherever they were seen.

    exchange.py    one request and its answer as bytes, and what they say; beginnings.py: of frames without their end
    choosing.py    which of them are wanted
    lines.py       for people: one line, all fields, every byte
    rows.py        for programs: a row of a list
    annotated.py   every byte with its field as values; fields.py: which versions have a field, and why
    groups.py      what a group's members and its coordinator said to each other, in order
    stream.py      the bytes of many, from a broker to who looks
    secrets.py     what nobody who looks is to see
    recording.py   a file of them, one JSON object a line

They come from a broker's history (`kbroker trace`), from a proxy before any Kafka (`kbroker proxy`) or from a file.
Bytes are read only here, on the side of whoever looks.
"""
