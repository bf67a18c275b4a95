"""The one HTTP door of a broker (`--http HOST:PORT`; off by default): health, metrics, the web
console and all that it asks, and control where it is on.

    app.py          what is at which path                      guard.py       who may come in
    exposition.py   the metrics page, in Prometheus' format    door.py        the server, on the broker's own loop
    control.py      every control verb as POST, events         kafka.py       any Kafka request as JSON
    console.py      the files of the web console              openapi.py    all paths for machines
    bodies.py       what comes in, how a refusal is said       rows.py        typed functions as paths

    records.py      records: search, export, one, batches      scanning.py    looking through a topic
    redrive.py      writing, and copying a selection           shown.py       a record and its batch as JSON
    visiting.py     in whose name

Starlette and uvicorn do the work (`pip install kbroker[http]`). They are imported when the door is asked for, and a
broker without one does not know of them.
"""
