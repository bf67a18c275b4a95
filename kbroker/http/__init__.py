"""The one HTTP door of a broker (`--http HOST:PORT`; off by default): health, metrics, and control where it is on.

    app.py          what is at which path                      guard.py       who may come in
    exposition.py   the metrics page, in Prometheus' format    door.py        the server, on the broker's own loop
    control.py      every control verb as POST, OpenAPI, events

Starlette and uvicorn do the work (`pip install kbroker[http]`). They are imported when the door is asked for, and a
broker without one does not know of them.
"""
