// keys.cc: of assay.crypto the API keys of a gateway and its audit log.
#include <algorithm>
#include <map>

#include <nanobind/stl/map.h>

#include "assay/crypto/audit_log.h"
#include "assay/crypto/key_store.h"

#include "support.h"

namespace assay::python {
namespace {

using crypto::AuditLog;
using crypto::KeyStore;

struct PyGrant {
  crypto::KeyGrant grant;
};

crypto::ScopeSet ScopesOf(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ",") + name;
  return Take(crypto::ScopeSet::Parse(text));
}

std::vector<std::string_view> NamesOf(crypto::ScopeSet scopes) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < crypto::kScopeNames.size(); ++i) {
    if (scopes.Holds(static_cast<crypto::Scope>(i))) names.push_back(crypto::kScopeNames[i]);
  }
  return names;
}

Record RecordOf(const crypto::Usage& usage) {
  Record out;
  out["requests"] = usage.requests;
  out["tokens"] = usage.tokens;
  out["cost_nanousd"] = usage.cost_nanousd;
  return out;
}

Record RecordOf(const crypto::KeyInfo& info) {
  Record out;
  out["id"] = info.id.view();
  out["name"] = info.spec.name;
  out["tenant"] = info.spec.tenant;
  out["scopes"] = nb::cast(NamesOf(info.spec.scopes));
  out["created_ms"] = info.created_ms;
  out["expires_ms"] = nb::cast(info.spec.expires_ms);
  out["revoked_ms"] = nb::cast(info.revoked_ms);
  out["period"] = crypto::PeriodName(info.spec.budget.period);
  out["limit"] = RecordOf(info.spec.budget.limit);
  out["used"] = RecordOf(info.used);
  return out;
}

std::unique_ptr<KeyStore> OpenStore(const std::string& directory, std::string_view passphrase,
                                    bool must_exist, std::int64_t sync_every_ms) {
  if (sync_every_ms < 0) Raise(Code::kInvalidArgument, "sync_every_ms is 0 at least");
  crypto::KeyStoreOptions options;
  options.directory = directory;
  options.passphrase = crypto::SecretString::Copy(passphrase);
  options.must_exist = must_exist;
  options.sync_every_ms = sync_every_ms;
  return Take(Unlocked([&] { return KeyStore::Open(std::move(options)); }));
}

std::pair<std::string, std::string> Create(KeyStore& store, const std::string& name,
                                           const std::string& tenant,
                                           const std::vector<std::string>& scopes,
                                           std::optional<std::int64_t> expires_ms,
                                           std::string_view period, std::uint64_t requests,
                                           std::uint64_t tokens, std::uint64_t cost_nanousd,
                                           std::string_view actor) {
  crypto::KeySpec spec;
  spec.name = name;
  spec.tenant = tenant;
  spec.scopes = ScopesOf(scopes);
  spec.expires_ms = expires_ms;
  spec.budget.period = Take(crypto::ParsePeriod(period));
  spec.budget.limit = {.requests = requests, .tokens = tokens, .cost_nanousd = cost_nanousd};
  const crypto::NewKey made = Take(Unlocked([&] { return store.Create(spec, actor); }));
  return {std::string(made.id.view()), std::string(made.token.view())};
}

nb::typed<nb::list, Record> Keys(const KeyStore& store) {
  nb::typed<nb::list, Record> out;
  for (const crypto::KeyInfo& info : Take(Unlocked([&] { return store.List(); }))) {
    out.append(RecordOf(info));
  }
  return out;
}

void Admit(KeyStore& store, const PyGrant& grant, std::string_view scope) {
  const std::size_t place = static_cast<std::size_t>(std::ranges::find(crypto::kScopeNames, scope) -
                                                     crypto::kScopeNames.begin());
  if (place == crypto::kScopeNames.size()) {
    Raise(Code::kInvalidArgument, "no scope is called '" + std::string(scope) +
                                      "'; there are inference, claims, cache and admin");
  }
  Take(store.Admit(grant.grant, static_cast<crypto::Scope>(place)));
}

void BindGrant(nb::module_& module) {
  nb::class_<PyGrant>(module, "KeyGrant", "Who showed a valid token. Keeps its store alive.")
      .def_prop_ro("id", [](const PyGrant& one) { return std::string(one.grant.id.view()); })
      .def_prop_ro("name", [](const PyGrant& one) { return one.grant.name; })
      .def_prop_ro("tenant", [](const PyGrant& one) { return one.grant.tenant; })
      .def_prop_ro("scopes", [](const PyGrant& one) { return NamesOf(one.grant.scopes); });
}

void BindStore(nb::module_& module) {
  const auto actor = nb::arg("actor") = "python";
  nb::class_<KeyStore>(
      module, "KeyStore",
      "The API keys of a gateway: its data folder, which a gateway may use meanwhile. Each change\n"
      "is in the audit log, with `actor`. Safe for many threads. Times are Unix milliseconds.")
      .def_static(
          "open", OpenStore, nb::arg("directory"), nb::arg("passphrase") = "",
          nb::arg("must_exist") = false, nb::arg("sync_every_ms") = 250,
          "Opens the store of a folder, or makes both. passphrase: of its secret.keys.\n"
          "sync_every_ms: how often a thread writes usage and looks for changes of others; 0:\n"
          "synchronize() only. Raises NotFound, FailedPrecondition for files that others may "
          "read,\n"
          "Unauthenticated for a wrong passphrase, DataLoss.")
      .def(
          "create", Create, nb::arg("name"), nb::arg("tenant") = "default",
          nb::arg("scopes") = std::vector<std::string>{"inference"},
          nb::arg("expires_ms") = nb::none(), nb::arg("period") = "total", nb::arg("requests") = 0,
          nb::arg("tokens") = 0, nb::arg("cost_nanousd") = 0, actor,
          "A new key: (id, token). The token is shown this once. scopes: inference, claims, "
          "cache,\n"
          "admin. requests, tokens, cost_nanousd: what a period (total, hour, day, month) allows,\n"
          "0 for no limit; 10^9 nanousd are a US dollar. Raises InvalidArgument.")
      .def(
          "revoke",
          [](KeyStore& store, const std::string& id_or_token, std::string_view by) {
            return RecordOf(Take(Unlocked([&] { return store.Revoke(id_or_token, by); })));
          },
          nb::arg("id_or_token"), actor,
          "Refuses the key from now on; returns it as in keys(). Raises NotFound.")
      .def("keys", Keys,
           "All keys, oldest first: id, name, tenant, scopes, created_ms, expires_ms, revoked_ms,\n"
           "period, limit and used (requests, tokens, cost_nanousd).")
      .def(
          "authenticate",
          [](const KeyStore& store, std::string_view token) {
            return PyGrant{Take(store.Authenticate(token))};
          },
          nb::arg("token"), nb::keep_alive<0, 1>(),
          "Who shows this token. About 0.5 us. Raises Unauthenticated saying why.")
      .def("admit", Admit, nb::arg("grant"), nb::arg("scope") = "inference",
           "Counts one request against the key's budget. Raises PermissionDenied naming the "
           "missing\n"
           "scope, ResourceExhausted naming the spent budget; then nothing is counted.")
      .def(
          "charge",
          [](KeyStore& store, const PyGrant& grant, std::uint64_t tokens,
             std::uint64_t cost_nanousd) { store.Charge(grant.grant, tokens, cost_nanousd); },
          nb::arg("grant"), nb::arg("tokens"), nb::arg("cost_nanousd") = 0,
          "Adds what an admitted request cost.")
      .def(
          "synchronize",
          [](KeyStore& store) { Take(Unlocked([&] { return store.Synchronize(); })); },
          "Writes usage and takes over what other processes changed.")
      .def_prop_ro(
          "audit", [](KeyStore& store) -> AuditLog& { return store.audit(); },
          nb::rv_policy::reference_internal, "The audit log of the same folder.")
      .def("__len__", &KeyStore::size, "Keys, revoked ones included.");
}

crypto::AuditOptions LogAt(const std::string& path) {
  crypto::AuditOptions options;
  options.path = path;
  return options;
}

std::uint64_t Append(AuditLog& log, const std::string& action, const std::string& actor,
                     const std::string& subject,
                     const std::map<std::string, std::string>& details) {
  crypto::AuditEvent event{.action = action, .actor = actor, .subject = subject, .details = {}};
  event.details.assign(details.begin(), details.end());
  return Take(Unlocked([&] { return log.Append(event); }));
}

nb::typed<nb::list, Record> Records(const std::string& path) {
  std::vector<crypto::AuditRecord> all;
  Take(Unlocked([&] {
    return AuditLog::ForEach(LogAt(path), [&](const crypto::AuditRecord& record) {
      all.push_back(record);
      return true;
    });
  }));
  nb::typed<nb::list, Record> out;
  for (const crypto::AuditRecord& record : all) {
    Record entry;
    entry["sequence"] = record.sequence;
    entry["time_ms"] = record.time_ms;
    entry["action"] = record.event.action;
    entry["actor"] = record.event.actor;
    entry["subject"] = record.event.subject;
    nb::dict details;
    for (const auto& [name, value] : record.event.details) details[name.c_str()] = value;
    entry["details"] = details;
    entry["key_id"] = record.key_id;
    out.append(entry);
  }
  return out;
}

void BindAudit(nb::module_& module) {
  nb::class_<crypto::AuditReport>(module, "AuditReport", "What a check of the chain found.")
      .def_ro("records", &crypto::AuditReport::records, "Genuine ones, from the first on.")
      .def_ro("broken", &crypto::AuditReport::broken,
              "Number of the first record that is damaged, changed, missing or out of its place.")
      .def_ro("reason", &crypto::AuditReport::reason);
  nb::class_<AuditLog>(module, "AuditLog",
                       "Who did what, in a file that cannot be changed unnoticed. Safe for many\n"
                       "threads and processes. Format: docs/formats/audit-log.md.")
      .def_static(
          "open",
          [](const std::string& path, const crypto::KeyRing& ring) {
            return Take(AuditLog::Open(LogAt(path), ring));
          },
          nb::arg("path"), nb::arg("ring"), "Opens the log, or makes it. Raises DataLoss.")
      .def("append", Append, nb::arg("action"), nb::arg("actor"), nb::arg("subject") = "",
           nb::arg("details") = std::map<std::string, std::string>(),
           "On the disk when it returns; the record's number. Never a secret in it. Raises\n"
           "InvalidArgument for an empty action, OutOfRange for fields over 4096 bytes.")
      .def_static(
          "verify",
          [](const std::string& path, const crypto::KeyRing& ring) {
            return Take(AuditLog::Verify(LogAt(path), ring));
          },
          nb::arg("path"), nb::arg("ring"),
          "Checks the whole chain; damage is a finding of the report. Raises NotFound.")
      .def_static("records", Records, nb::arg("path"),
                  "All records, unchecked: sequence, time_ms, action, actor, subject, details,\n"
                  "key_id. Raises NotFound, DataLoss at the first that cannot be read.");
}

}  // namespace

void BindKeys(nb::module_& module) {
  BindGrant(module);
  BindAudit(module);
  BindStore(module);
}

}  // namespace assay::python
