"""Looking at the wire: requests with their answers, wherever they were seen.

    exchange.py    one request and its answer as bytes, and what they say
    choosing.py    which of them are wanted
    lines.py       for people: one line, all fields, every byte
    secrets.py     what nobody who looks is to see
    recording.py   a file of them, one JSON object a line

They come from a broker's history (`kbroker trace`), from a proxy before any Kafka (`kbroker proxy`) or from a file.
Bytes are read only here, on the side of whoever looks.
"""
