"""Of assay.crypto the API keys of a gateway and its audit log."""

import pytest

import assay
from assay import crypto

pytestmark = pytest.mark.native


@pytest.fixture
def store(tmp_path):
    return crypto.KeyStore.open(str(tmp_path / "state"), sync_every_ms=0)


def test_a_key_is_made_shown_once_and_revoked(store):
    key_id, token = store.create("shop", tenant="acme", scopes=["inference", "claims"], actor="cli:ann")
    assert token.startswith(f"ask_{key_id}_") and len(store) == 1
    (key,) = store.keys()
    assert (key["id"], key["name"], key["tenant"], key["scopes"]) == (key_id, "shop", "acme", ["inference", "claims"])
    assert key["revoked_ms"] is None and token not in str(key)
    grant = store.authenticate(token)
    assert (grant.id, grant.name, grant.tenant, grant.scopes) == (key_id, "shop", "acme", ["inference", "claims"])
    store.admit(grant, "claims")
    with pytest.raises(assay.PermissionDenied, match="cache"):
        store.admit(grant, "cache")
    with pytest.raises(assay.InvalidArgument, match="'nothing'"):
        store.admit(grant, "nothing")
    assert store.revoke(key_id)["revoked_ms"] is not None
    with pytest.raises(assay.Unauthenticated, match="revoked"):
        store.authenticate(token)
    with pytest.raises(assay.NotFound):
        store.revoke("Ab3dE5f7")


def test_a_budget_is_spent(store):
    _, token = store.create("small", period="day", requests=2, tokens=1000)
    grant = store.authenticate(token)
    store.admit(grant)
    store.charge(grant, tokens=70, cost_nanousd=9)
    store.admit(grant)
    with pytest.raises(assay.ResourceExhausted):
        store.admit(grant)
    store.synchronize()
    assert store.keys()[0]["used"] == {"requests": 2, "tokens": 70, "cost_nanousd": 9}
    assert store.keys()[0]["limit"] == {"requests": 2, "tokens": 1000, "cost_nanousd": 0}
    for wrong in ({"name": ""}, {"name": "a", "scopes": ["root"]}, {"name": "a", "period": "week"}):
        with pytest.raises(assay.InvalidArgument):
            store.create(**wrong)


def test_a_grant_keeps_its_store_alive(tmp_path):
    _, token = (first := crypto.KeyStore.open(str(tmp_path / "a"))).create("key")
    grant = first.authenticate(token)
    del first
    assert grant.name == "key"


def test_what_was_made_is_there_after_a_restart(tmp_path):
    folder = str(tmp_path / "state")
    with pytest.raises(assay.NotFound):
        crypto.KeyStore.open(folder, must_exist=True)
    _, token = crypto.KeyStore.open(folder, passphrase="open sesame").create("key")
    assert crypto.KeyStore.open(folder, passphrase="open sesame").authenticate(token).name == "key"
    with pytest.raises(assay.Unauthenticated):
        crypto.KeyStore.open(folder, passphrase="close")


def test_changes_stand_in_the_audit_log_and_a_changed_one_is_found(store, tmp_path):
    key_id, _ = store.create("shop", actor="cli:ann")
    store.audit.append("cache.purge", "cli:ann", "t1", {"entries": "7"})
    path, ring = tmp_path / "state/audit.log", crypto.KeyRing.load(str(tmp_path / "state/secret.keys"))
    made, purged = crypto.AuditLog.records(str(path))[-2:]
    assert (made["action"], made["actor"], made["subject"]) == ("key.create", "cli:ann", key_id)
    assert (purged["sequence"], purged["details"]) == (made["sequence"] + 1, {"entries": "7"})
    genuine = crypto.AuditLog.verify(str(path), ring)
    assert genuine.broken is None and genuine.records == purged["sequence"]
    path.write_bytes(path.read_bytes().replace(b"cli:ann", b"cli:bob", 1))
    forged = crypto.AuditLog.verify(str(path), ring)
    assert forged.broken == made["sequence"] and forged.reason
    with pytest.raises(assay.InvalidArgument):
        store.audit.append("", "cli:ann")


def test_a_log_of_its_own(tmp_path):
    ring = crypto.KeyRing.generate()
    log = crypto.AuditLog.open(str(tmp_path / "own.log"), ring)
    assert [log.append("config.reload", "me") for _ in range(3)] == [1, 2, 3]
    assert crypto.AuditLog.verify(str(tmp_path / "own.log"), ring).records == 3
    with pytest.raises(assay.NotFound):
        crypto.AuditLog.records(str(tmp_path / "none.log"))
