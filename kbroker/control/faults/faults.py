"""Faults: installed in place of handlers, taken out again; and what one does to a request that it meets.

    met -> delay -> hold, callback -> drop before | blackhole | error | answer -> handled -> lies -> delay -> wounds

An error for some partitions of a request: it is handled without them, and its response gets them back as errors. A
Fetch is handled whole and without waiting, since it changes nothing, and what it says of them is put aside.

A request that has been met holds up its connection as in Kafka, where nothing of a connection starts behind a request
that has not been answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from kbroker.context import LATER
from kbroker.control.asking import Asking
from kbroker.control.faults import lies, topics, wounds
from kbroker.control.faults.plan import FETCH, METADATA, Plan, asks_for_all, spoken_of
from kbroker.control.shapes import Effect, Held, Hit, Match, Met, When
from kbroker.control.table import ControlError
from kbroker.server.dispatch import finish
from kbroker.server.errors import error_response, item_errors
from wire.errors import ErrorCode, KafkaError, ProtocolError

if TYPE_CHECKING:
    from kbroker.control.control import Control
    from kbroker.server.apis import Entry, Handler
    from kbroker.server.connection import Connection
    from kbroker.server.dispatch import Call

PASS: dict[str, Any] = {}


class Dropped(Exception):
    """The request has no answer, and the connection ends."""


class Waiting:
    """A request that a fault keeps. Done with what is to become of it, in JSON."""

    __slots__ = ("call", "future", "plan")

    def __init__(self, plan: Plan, call: Call, future: asyncio.Future[dict[str, Any]]) -> None:
        self.plan = plan
        self.call = call
        self.future = future


def _context_of(call: Call) -> Asking:
    """The request's context for its handler: an answer that comes later comes to the fault, and not to the client."""
    return Asking(
        call.cluster,
        call.node,
        call.listener,
        call.connection,
        call.client_id,
        call.api_key,
        call.version,
        call.correlation_id,
        call.arrived_at,
    )


class Faults:
    """Those of one broker. Each of `heard` is called with a request that begins to wait for a callback, each of
    `struck` with one that has met a fault."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._last = 0
        self.plans: dict[int, Plan] = {}
        self.marks: dict[str, int] = {}
        self.heard: list[Callable[[Held], object]] = []
        self.struck: list[Callable[[Met], object]] = []
        self._waiting: dict[int, Waiting] = {}
        self._handlers: dict[Entry, Handler] = {}

    # --- installing ---------------------------------------------------------------------------------------------------

    def install(self, name: str, match: Match, when: When, effect: Effect) -> Plan:
        self._last += 1
        plan = Plan(self._last, name, match, when, effect)
        if effect.stale:
            from kbroker.control.faults.stale import picture_of

            plan.picture = picture_of(self._control.cluster.catalog)
        if when.for_ms is not None:
            plan.timer = self._control.cluster.world.later(when.for_ms / 1000, self._time_is_up, plan)
        self.plans[plan.id] = plan
        self._arrange()
        return plan

    def _time_is_up(self, plan: Plan) -> None:
        plan.is_over = True
        self._let_go(plan)
        self._control.watch.tell()

    def find(self, id: int) -> Plan:
        plan = self.plans.get(id)
        if plan is None:
            known = ", ".join(map(str, self.plans)) or "none"
            raise ControlError("missing", f"there is no fault {id}; there are {known}")
        return plan

    def remove(self, id: int) -> Plan:
        """Take a fault out. What it holds goes on; who is in a black hole is let go of."""
        plan = self.find(id)
        del self.plans[id]
        self._arrange()
        if plan.timer is not None:
            plan.timer.cancel()
        self._let_go(plan)
        return plan

    def _let_go(self, plan: Plan) -> None:
        """Of all that it holds."""
        for waiting in [each for each in self._waiting.values() if each.plan is plan]:
            if not waiting.future.done():
                waiting.future.set_result({"drop": "before"} if plan.effect.blackhole else PASS)

    def clear(self) -> None:
        for id in list(self.plans):
            self.remove(id)
        self.marks.clear()

    def release(self, id: int, verdict: dict[str, Any]) -> None:
        """One that is held goes on, or has this done to it: see `_judge`."""
        waiting = self._waiting.get(id)
        if waiting is None or waiting.future.done():
            raise ControlError("missing", f"no request waits under the number {id}")
        waiting.future.set_result(verdict)

    def lost(self, connection: Connection) -> None:
        """Nobody waits for these answers any more."""
        for waiting in list(self._waiting.values()):
            if waiting.call.connection is connection:
                waiting.future.cancel()

    def _arrange(self) -> None:
        """Put faults before the handlers that any of them is for, and take them away from all others."""
        apis = self._control.cluster.apis
        keys = [plan.api_keys for plan in self.plans.values()]
        everywhere = any(each is None for each in keys)
        wanted = {key for each in keys if each is not None for key in each}

        def arrange(entry: Entry) -> None:
            is_faulty = entry in self._handlers
            if (everywhere or entry.api.key in wanted) and not is_faulty:
                self._handlers[entry] = entry.handler
                entry.handler = partial(self._meet, entry.handler, entry)
                entry.parks = True
            elif is_faulty and not (everywhere or entry.api.key in wanted):
                entry.handler = self._handlers.pop(entry)
                entry.parks = False

        for entry in apis.entries():
            arrange(entry)
        apis.on_first_use = arrange if self.plans else None

    # --- meeting requests ---------------------------------------------------------------------------------------------

    def _meet(self, handler: Handler, entry: Entry, request: Any, ctx: Any) -> Any:
        """In the place of the handler."""
        if not entry.min_version <= ctx.version <= entry.max_version:
            return handler(request, ctx)  # ApiVersions, which answers all the same
        met = [plan for plan in self.plans.values() if plan.fits(request, ctx) and plan.meets(self.marks)]
        if not met:
            return handler(request, ctx)
        self._control.cluster.world.spawn(self.afflict(met, handler, request, ctx))
        return LATER

    async def afflict(self, plans: list[Plan], handler: Handler, request: Any, call: Call) -> None:
        """Do to a request what these faults do, and answer the call."""
        for plan in plans:
            self._note(plan, call)
        try:
            for plan in plans:
                await self._before(plan, call)
            response = await self._handled(plans, handler, request, call)
            for plan in plans:
                response = await self._after(plan, response, call)
        except Dropped as dropped:
            call.refused = str(dropped)
            call.answer(None)
        except asyncio.CancelledError:  # the client is gone
            call.answer(None)
        except Exception as error:
            call.answer(error)
        else:
            effects = [plan.effect for plan in plans if wounds.is_wounded(plan.effect)]
            if effects and response is not None:
                finish(call, response)
                wounds.wound(call, effects, f"{plans[0].name} struck its {call.entry.api.kafka_name}")
                connection: Any = call.connection
                connection.answered(call)
            else:
                call.answer(response)

    async def _before(self, plan: Plan, call: Call) -> None:
        """What holds a request up before anything is done."""
        effect = plan.effect
        delay_ms = plan.delay_ms()
        if delay_ms:
            await self._pause(delay_ms)
        if effect.throttle_ms:
            call.throttle(effect.throttle_ms)
        if effect.drop == "before":
            raise Dropped(f"{plan.name} dropped its {call.entry.api.kafka_name} before it was handled")
        if effect.blackhole:
            await self._hold(plan, call)
            raise Dropped(f"{plan.name} was taken out")

    async def _handled(self, plans: list[Plan], handler: Handler, request: Any, call: Call) -> Any:
        """The response: the handler's, or what a fault has in its place."""
        for plan in plans:
            if plan.effect.hold or plan.effect.callback:
                decided, response = self._judge(plan, await self._hold(plan, call), call)
                if decided:
                    return response
            if plan.effect.answer is not None:
                return self._answer(plan.effect.answer, call)
            code = plan.next_code()
            if code:
                return await self._refuse(plan, code, handler, request, call)
        return await self._ask(handler, request, call)

    async def _ask(self, handler: Handler, request: Any, call: Call) -> Any:
        """The handler's response, also where it raises one: what comes after is for every answer."""
        own = _context_of(call)
        try:
            return await own.ask(handler, request)
        except KafkaError as error:
            if getattr(request, "acks", None) == 0:
                raise
            return error_response(call.entry.response_class, request, call.version, error.code, error.message)
        finally:
            call.throttle(own.throttle_ms)

    async def _after(self, plan: Plan, response: Any, call: Call) -> Any:
        """What happens to an answer."""
        effect = plan.effect
        if response is not None:
            response = lies.lie(plan, response, self._name_of, call)
        if effect.answer_delay_ms:
            await self._pause(effect.answer_delay_ms)
        if effect.wrong_correlation_id:
            call.correlation_id += 1
        if effect.drop == "after":
            raise Dropped(f"{plan.name} dropped the answer to its {call.entry.api.kafka_name}")
        return response

    # --- waiting ------------------------------------------------------------------------------------------------------

    async def _pause(self, milliseconds: float) -> None:
        world = self._control.cluster.world
        over = world.future()
        timer = world.later(milliseconds / 1000, over.set_result, None)
        try:
            await over
        finally:
            timer.cancel()

    async def _hold(self, plan: Plan, call: Call) -> dict[str, Any]:
        """Until somebody says what is to become of it, or the client is gone."""
        world = self._control.cluster.world
        waiting = Waiting(plan, call, world.future())
        self._last += 1
        id, effect = self._last, plan.effect
        self._waiting[id] = waiting
        held = plan.held[id] = self._held(id, plan, call)
        timer = world.later(effect.callback_ms / 1000, self._give_up, waiting) if effect.callback else None
        if effect.callback:
            for heard in list(self.heard):
                heard(held)
        self._control.watch.tell()
        try:
            return await waiting.future
        finally:
            if timer is not None:
                timer.cancel()
            del self._waiting[id]
            plan.held.pop(id, None)

    def _held(self, id: int, plan: Plan, call: Call) -> Held:
        return Held(
            id=id,
            fault=plan.id,
            api=call.entry.api.kafka_name,
            version=call.version,
            client_id=call.client_id,
            connection=call.connection.id,
            broker=call.node.id,
            principal=call.connection.principal,
            request=call.request.to_json(call.version),
        )

    def _give_up(self, waiting: Waiting) -> None:
        if not waiting.future.done():
            plan = waiting.plan
            plan.problems.append(f"the callback said nothing within {plan.effect.callback_ms} ms: the request passed")
            waiting.future.set_result(PASS)

    def _judge(self, plan: Plan, verdict: dict[str, Any], call: Call) -> tuple[bool, Any]:
        """What a callback wants: {"error": NAME}, {"answer": {...}}, {"drop": "before"}, {"problem": text}, or nothing.
        Whether that decides, and the response."""
        if "problem" in verdict:
            plan.problems.append(str(verdict["problem"]))
        if "drop" in verdict:
            raise Dropped(f"{plan.name} dropped its {call.entry.api.kafka_name} before it was handled")
        try:
            if "answer" in verdict:
                return True, self._answer(verdict["answer"], call)
            if verdict.get("error"):
                code = ErrorCode[verdict["error"]]
                return True, self._error(plan, code, verdict.get("message"), call.request, call)
        except (ControlError, KeyError) as error:
            plan.problems.append(f"the callback's answer cannot be given: {error}")
        return False, None

    # --- answers ------------------------------------------------------------------------------------------------------

    def _answer(self, answer: dict[str, Any], call: Call) -> Any:
        try:
            return call.entry.response_class.from_json(answer, call.version)
        except ProtocolError as error:
            raise ControlError("argument", f"this is no {call.entry.response_class.__name__}: {error}") from None

    async def _refuse(self, plan: Plan, code: ErrorCode, handler: Handler, request: Any, call: Call) -> Any:
        """An error for the partitions that the fault is for, and the handler's answer for all others."""
        message = plan.effect.message or f"{plan.name} says so"
        if call.api_key == FETCH:
            request.max_wait_ms = 0
            response = await self._ask(handler, request, call)
            if not response.error_code:
                lies.fail_fetch(plan, response, spoken_of(request, call), code, self._name_of, self._id_of)
            return response
        if call.api_key == METADATA and asks_for_all(request, call):
            from wire.messages.metadata import MetadataRequestTopic
            from wire.primitives import ZERO_UUID

            names = [topic.name for topic in self._control.cluster.catalog.topics()]
            request.topics = [MetadataRequestTopic(topic_id=ZERO_UUID, name=name) for name in names]
        if not plan.speaks_of_topics:
            return self._error(plan, code, message, request, call)
        rest = topics.only(request, self._name_of, lambda topic, index: not plan.is_for(topic, index))
        faulty = topics.only(request, self._name_of, plan.is_for)
        error = self._error(plan, code, message, faulty, call)
        if not any(True for _ in topics.partitions(rest, self._name_of)):
            return error
        return topics.merge(await self._ask(handler, rest, call), error)

    def _error(self, plan: Plan, code: ErrorCode, message: str | None, request: Any, call: Call) -> Any:
        """The error in the place of every partition, where the API has them; else of the whole request."""
        if getattr(request, "acks", None) == 0:
            raise KafkaError(code, message)  # which closes the connection, as in Kafka
        of = call.entry.response_class
        if any(True for _ in topics.partitions(request, self._name_of)):
            response = item_errors(of, request, call.version, code, message, deepest=plan.speaks_of_topics)
            if response is not None:
                return response
        return error_response(of, request, call.version, code, message)

    def _name_of(self, topic_id: bytes) -> str | None:
        topic = self._control.cluster.catalog.topic_by_id(topic_id)
        return None if topic is None else topic.name

    def _id_of(self, name: str) -> bytes:
        topic = self._control.cluster.catalog.topic(name)
        assert topic is not None
        return topic.id

    def _note(self, plan: Plan, call: Call) -> None:
        world = self._control.cluster.world
        api, done = call.entry.api.kafka_name, _words(plan)
        hit = Hit(world.time_ms(), api, call.version, call.client_id, call.connection.id, call.correlation_id, done)
        plan.hits.append(hit)
        for struck in list(self.struck):
            struck(Met(plan.id, plan.name, hit))
        self._control.afflicted(call, f"{plan.name}: {done}")


def _words(plan: Plan) -> str:
    """What a fault does, for people."""
    usual = Effect()
    said = [
        f"{name}={getattr(plan.effect, name)}"
        for name in plan.effect._fields
        if getattr(plan.effect, name) != getattr(usual, name) and name != "errors"
    ]
    code = plan.next_code()
    return ", ".join(([f"error {code.name}"] if code is not None else []) + said) or "nothing"
