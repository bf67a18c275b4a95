"""The parts of the catalog that know nothing of topics: which nodes are registered, finalized features, users, quotas,
access rules, delegation tokens.

They are decided and kept here; the machine hands over the questions of `steps` and the records that it has no place
for. One change is one record: a user's mechanism, an entity's quotas, all features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kbroker.catalog.events import (
    AlterQuotas,
    AlterUsers,
    CreateAcls,
    CreateToken,
    DeleteAcls,
    ExpireToken,
    RenewToken,
    RulesChanged,
    SweepTokens,
    UnregisterNode,
    UpdateFeatures,
)
from kbroker.catalog.state import Features
from kbroker.machine import Batch, Effects, Marker, Record, Reply
from kbroker.world import random_uuid
from wire.durable.catalog import (
    CatalogAclKey,
    CatalogAclValue,
    CatalogFeature,
    CatalogFeaturesKey,
    CatalogFeaturesValue,
    CatalogNodeKey,
    CatalogNodeValue,
    CatalogQuota,
    CatalogQuotaEntity,
    CatalogQuotaKey,
    CatalogQuotaValue,
    CatalogTokenKey,
    CatalogUserKey,
    CatalogUserValue,
)
from wire.errors import ErrorCode, KafkaError
from wire.primitives import uuid_text

if TYPE_CHECKING:
    from random import Random

    from kbroker.acls import Acl
    from kbroker.catalog.delegation import Token
    from kbroker.catalog.quotas import Entity
    from kbroker.catalog.users import Credential
    from wire.schema import Struct

Step = Callable[[Any, "Random"], Effects]


class Registers:
    """`nodes` is the machine's own."""

    def __init__(self, live: Sequence[int], nodes: Mapping[int, CatalogNodeValue]) -> None:
        self.features = Features(0, {})
        self.users: dict[tuple[str, int], Credential] = {}
        self.quotas: dict[Entity, dict[str, float]] = {}
        self.acls: dict[Acl, None] = {}
        self.tokens: dict[str, Token] = {}
        self._live = live
        self._nodes = nodes
        self._levels: dict[str, int] = {}
        self.offered: dict[str, int] = {}
        self.steps: dict[type, Step] = {
            UpdateFeatures: self._update_features,
            UnregisterNode: self._unregister_node,
            AlterUsers: self._alter_users,
            AlterQuotas: self._alter_quotas,
            CreateAcls: self._create_acls,
            DeleteAcls: self._delete_acls,
            CreateToken: self._create_token,
            RenewToken: self._renew_token,
            ExpireToken: self._expire_token,
            SweepTokens: self._sweep_tokens,
        }

    # --- decisions --------------------------------------------------------------------------------------------------

    def offer(self, offered: Mapping[str, int]) -> list[Record]:
        """What the broker brings at its start: a level that it did not bring before goes before what was said since."""
        levels = {
            name: self._levels[name] if self.offered.get(name) == level and name in self._levels else level
            for name, level in offered.items()
        }
        if self.features.epoch and levels == self._levels and dict(offered) == self.offered:
            return []
        return [self._features_record(levels, offered)]

    def _features_record(self, levels: Mapping[str, int], offered: Mapping[str, int]) -> Record:
        found = [
            CatalogFeature(name=name, level=level, offered=offered.get(name, -1))
            for name, level in sorted(levels.items())
        ]
        return Record(CatalogFeaturesKey(), CatalogFeaturesValue(epoch=self.features.epoch + 1, features=found))

    def _update_features(self, event: UpdateFeatures, rng: Random) -> Effects:
        from kbroker.catalog.features import updated

        levels = updated(event.updates, self._levels, event.supported, self._live[0])
        effects = Effects(replies=[Reply(event.ticket, None)])
        if levels != self._levels and not event.validate_only:
            # Of what the broker did not bring, the last level is the one that it brings next time, if it does.
            offered = {name: self.offered.get(name, -1) for name in levels}
            effects.batches.append(Batch([self._features_record(levels, offered)]))
        return effects

    def _unregister_node(self, event: UnregisterNode, rng: Random) -> Effects:
        node_id = event.node_id
        node = self._nodes.get(node_id)
        if node is None or not node.registered:
            raise KafkaError(ErrorCode.BROKER_ID_NOT_REGISTERED, f"Broker ID {node_id} is not currently registered")
        if node_id in self._live:
            raise KafkaError(ErrorCode.INVALID_REQUEST, f"Broker ID {node_id} is running in this process")
        value = CatalogNodeValue(
            running=node.running,
            starts=node.starts,
            unclean_stops=node.unclean_stops,
            rack=node.rack,
            registered=False,
        )
        return Effects([Batch([Record(CatalogNodeKey(node_id=node_id), value)])], [Reply(event.ticket, None)])

    def _alter_users(self, event: AlterUsers, rng: Random) -> Effects:
        from kbroker.catalog import users

        judged = users.judge(event.deletions, event.upsertions, self.users)
        effects = Effects(replies=[Reply(event.ticket, judged)])
        for upsertion in event.upsertions:
            if judged[upsertion.user] is None:
                key = CatalogUserKey(user=upsertion.user, mechanism=upsertion.mechanism)
                made = users.credential(upsertion)
                value = CatalogUserValue(
                    iterations=made.iterations,
                    salt=made.salt,
                    stored_key=made.stored_key,
                    server_key=made.server_key,
                )
                effects.batches.append(Batch([Record(key, value)]))
        for user, mechanism in event.deletions:
            if judged[user] is None:
                effects.batches.append(Batch([Record(CatalogUserKey(user=user, mechanism=mechanism), None)]))
        return effects

    def _alter_quotas(self, event: AlterQuotas, rng: Random) -> Effects:
        from kbroker.catalog import quotas

        effects = Effects()
        answers: list[KafkaError | None] = []
        asked = [alteration.entity for alteration in event.alterations]
        for alteration in event.alterations:
            entity = alteration.entity
            before = self.quotas.get(entity, {})
            try:
                if asked.count(entity) > 1:
                    raise quotas.duplicate(entity)
                after = quotas.altered(alteration, before)
            except KafkaError as error:
                answers.append(error)
                continue
            answers.append(None)
            if after != before and not event.validate_only:
                key = CatalogQuotaKey(entity=[CatalogQuotaEntity(type=kind, name=name) for kind, name in entity])
                found = [CatalogQuota(name=name, value=value) for name, value in sorted(after.items())]
                effects.batches.append(Batch([Record(key, CatalogQuotaValue(quotas=found) if after else None)]))
        if effects.batches:
            effects.tasks.append(RulesChanged())
        effects.replies.append(Reply(event.ticket, answers))
        return effects

    def _create_acls(self, event: CreateAcls, rng: Random) -> Effects:
        """A rule that is there already is made again without a word."""
        from kbroker.acls import check

        effects = Effects()
        answers: list[KafkaError | None] = []
        for acl in event.acls:
            try:
                check(acl)
            except KafkaError as error:
                answers.append(error)
                continue
            answers.append(None)
            if acl not in self.acls:
                effects.batches.append(Batch([Record(_acl_key(acl), CatalogAclValue())]))
        if effects.batches:
            effects.tasks.append(RulesChanged())
        effects.replies.append(Reply(event.ticket, answers))
        return effects

    def _delete_acls(self, event: DeleteAcls, rng: Random) -> Effects:
        """A rule that several filters find goes with the first one, and each of them tells it."""
        from kbroker.acls import check_filter

        effects = Effects()
        answers: list[list[Acl] | KafkaError] = []
        gone: dict[Acl, None] = {}
        for asked in event.filters:
            try:
                check_filter(asked)
            except KafkaError as error:
                answers.append(error)
                continue
            found = [acl for acl in self.acls if asked.finds(acl)]
            gone.update(dict.fromkeys(found))
            answers.append(found)
        effects.batches += [Batch([Record(_acl_key(acl), None)]) for acl in gone]
        if gone:
            effects.tasks.append(RulesChanged())
        effects.replies.append(Reply(event.ticket, answers))
        return effects

    def _create_token(self, event: CreateToken, rng: Random) -> Effects:
        from kbroker.catalog import delegation

        token = delegation.created(event.token, uuid_text(random_uuid(rng)), event.limits, event.now_ms)
        return Effects([Batch([Record(*delegation.written(token))])], [Reply(event.ticket, token)])

    def _renew_token(self, event: RenewToken, rng: Random) -> Effects:
        from kbroker.catalog import delegation

        before = self.tokens.get(event.token_id)
        token = delegation.renewed(before, event.principal, event.period_ms, event.limits, event.now_ms)
        return Effects([Batch([Record(*delegation.written(token))])], [Reply(event.ticket, token.expires_at_ms)])

    def _expire_token(self, event: ExpireToken, rng: Random) -> Effects:
        from kbroker.catalog import delegation

        token = delegation.expired(self.tokens.get(event.token_id), event.principal, event.period_ms, event.now_ms)
        if token is None:
            gone = Record(CatalogTokenKey(token_id=event.token_id), None)
            return Effects([Batch([gone])], [Reply(event.ticket, event.now_ms)])
        return Effects([Batch([Record(*delegation.written(token))])], [Reply(event.ticket, token.expires_at_ms)])

    def _sweep_tokens(self, event: SweepTokens, rng: Random) -> Effects:
        from kbroker.catalog import delegation

        gone = delegation.over(self.tokens, event.now_ms)
        batches: list[Batch | Marker] = [Batch([Record(CatalogTokenKey(token_id=token_id), None)]) for token_id in gone]
        return Effects(batches, [Reply(event.ticket, None)])

    # --- records ----------------------------------------------------------------------------------------------------

    def apply(self, key: Struct, value: Struct | None) -> None:
        if isinstance(value, CatalogFeaturesValue):
            self._levels = {feature.name: feature.level for feature in value.features}
            self.offered = {feature.name: feature.offered for feature in value.features}
            self.features = Features(value.epoch, {name: level for name, level in self._levels.items() if level})
        elif isinstance(key, CatalogUserKey):
            if isinstance(value, CatalogUserValue):
                from kbroker.catalog.users import Credential

                made = Credential(value.iterations, value.salt, value.stored_key, value.server_key)
                self.users[key.user, key.mechanism] = made
            else:
                self.users.pop((key.user, key.mechanism), None)
        elif isinstance(key, CatalogQuotaKey):
            entity = tuple((part.type, part.name) for part in key.entity)
            if isinstance(value, CatalogQuotaValue):
                self.quotas[entity] = {quota.name: quota.value for quota in value.quotas}
            else:
                self.quotas.pop(entity, None)
        elif isinstance(key, CatalogTokenKey):
            from kbroker.catalog import delegation

            delegation.apply(self.tokens, key, value)
        elif isinstance(key, CatalogAclKey):
            from kbroker.acls import Acl

            acl = Acl(
                key.resource_type, key.resource_name, key.pattern_type, key.principal, key.host, key.operation,
                key.permission,
            )  # fmt: skip
            if value is not None:
                self.acls[acl] = None
            else:
                self.acls.pop(acl, None)


def _acl_key(acl: Acl) -> CatalogAclKey:
    return CatalogAclKey(**acl._asdict())
