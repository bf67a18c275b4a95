"""Chapter 10: SCRAM: a login in which the password is never sent, and the broker has to prove itself, too.

python 10_scram.py 127.0.0.1:9093 USER PASSWORD
"""

import base64
import hashlib
import hmac
import os
import sys

from frames import Broker, array, blob, string

SASL_HANDSHAKE, SASL_AUTHENTICATE, METADATA = 17, 36, 3
MECHANISM, HASH = "SCRAM-SHA-256", "sha256"
broker, user, password = Broker(sys.argv[1]), sys.argv[2], sys.argv[3]


def hmac_of(key: bytes, message: str | bytes) -> bytes:
    return hmac.digest(key, message.encode() if isinstance(message, str) else message, HASH)


def sha(data: bytes) -> bytes:
    return hashlib.new(HASH, data).digest()


def authenticate(message: str) -> str:
    """One message of the mechanism's own, and the broker's; Kafka only carries them."""
    answer = broker.ask(SASL_AUTHENTICATE, 0, blob(message.encode()))
    error, words, told = answer.int16(), answer.string(), answer.blob()
    if error:
        raise SystemExit(f"error {error}: {words}")
    return told.decode()


def attributes(message: str) -> dict[str, str]:
    """r=...,s=...,i=... as a table; a value may have = in it."""
    return dict(part.split("=", 1) for part in message.split(","))  # type: ignore[misc]


answer = broker.ask(SASL_HANDSHAKE, 1, string(MECHANISM))
error, mechanisms = answer.int16(), [answer.string() for _ in range(answer.int32())]
print(f"mechanisms of this broker: {mechanisms}")
assert error == 0, f"error {error}: it does not have {MECHANISM}"

# First: who I am, and a number that was never used before. "n,," says that there is no channel binding.
nonce = base64.b64encode(os.urandom(18)).decode()
first_bare = f"n={user.replace('=', '=3D').replace(',', '=2C')},r={nonce}"
server_first = authenticate("n,," + first_bare)
told = attributes(server_first)
assert told["r"].startswith(nonce), "the broker answers somebody else"
salt, iterations = base64.b64decode(told["s"]), int(told["i"])
print(f"salt of {len(salt)} bytes, {iterations} iterations")

# Then: the proof. Made of the password, and of every word that was said; of use for nobody else, and only once.
salted = hashlib.pbkdf2_hmac(HASH, password.encode(), salt, iterations)
client_key = hmac_of(salted, "Client Key")
final_bare = f"c={base64.b64encode(b'n,,').decode()},r={told['r']}"
said = f"{first_bare},{server_first},{final_bare}"
signature = hmac_of(sha(client_key), said)
proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
server_final = authenticate(f"{final_bare},p={base64.b64encode(proof).decode()}")

# And the broker's own: whoever does not have what belongs to this password cannot make it.
expected = hmac_of(hmac_of(salted, "Server Key"), said)
assert attributes(server_final)["v"] == base64.b64encode(expected).decode(), "this is not the broker that knows us"
print(f"logged in as {user}, and the broker has proved itself")

answer = broker.ask(METADATA, 1, array([]))
print(f"and now it answers: {answer.int32()} brokers")
