// store.cc: assay.vector.VectorStore.
#include "assay/vector/vector_store.h"

#include "support.h"

namespace assay::python {
namespace {

using vector::VectorStore;
using vector::VectorView;
using Ids = Input<std::uint64_t, 1>;

std::unique_ptr<VectorStore> Open(const std::string& folder, std::size_t dim,
                                  const std::string& encoder, bool read_only) {
  vector::StoreOptions options;
  options.folder = folder;
  options.dim = dim;
  options.encoder = encoder;
  options.read_only = read_only;
  return Take(
      Unlocked([&] { return VectorStore::Open(core::FileSystem::Real(), std::move(options)); }));
}

// One commit of n puts.
std::uint64_t PutRows(VectorStore& store, const Ids& ids, const FloatRows& rows) {
  if (ids.size() != rows.shape(0)) {
    Raise(Code::kInvalidArgument,
          std::to_string(ids.size()) + " ids for " + std::to_string(rows.shape(0)) + " rows");
  }
  const std::size_t dim = rows.shape(1);
  return Take(Unlocked([&] {
    vector::VectorBatch batch(dim);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      batch.Put(ids.data()[i], SpanOf(rows).subspan(i * dim, dim));
    }
    return store.Commit(batch);
  }));
}

std::uint64_t EraseIds(VectorStore& store, const Ids& ids) {
  return Take(Unlocked([&] {
    vector::VectorBatch batch(store.dim());
    for (std::size_t i = 0; i < ids.size(); ++i) batch.Erase(ids.data()[i]);
    return store.Commit(batch);
  }));
}

Output<float> Get(const VectorStore& store, std::uint64_t id) {
  std::vector<float> row(store.dim());
  Take(Unlocked([&] { return store.Get(id, row); }));
  const std::size_t dim = row.size();
  return ArrayOf(std::move(row), {dim});
}

// Ids and rows of a state, whole.
std::pair<Output<std::uint64_t>, Output<float>> Read(const VectorStore& store,
                                                     std::optional<std::uint64_t> version) {
  const auto view = Take(Unlocked([&]() -> Result<std::shared_ptr<const VectorView>> {
    if (version) return store.ViewAt(*version);
    return store.View();
  }));
  const std::size_t rows = view->rows();
  const std::size_t dim = view->dim();
  std::vector<std::uint64_t> ids(rows);
  std::vector<float> values(rows * dim);
  Take(Unlocked([&] {
    for (std::size_t i = 0; i < rows; ++i) ids[i] = view->IdOf(i);
    return view->Read(0, values);
  }));
  return std::pair(ArrayOf(std::move(ids), {rows}), ArrayOf(std::move(values), {rows, dim}));
}

Record LogEntry(const vector::CommitInfo& info) {
  Record entry;
  entry["version"] = info.version;
  entry["time_ms"] = info.time_ms;
  entry["puts"] = info.puts;
  entry["erases"] = info.erases;
  entry["restored"] = info.restored;
  entry["size_bytes"] = info.size_bytes;
  return entry;
}

nb::typed<nb::list, Record> Log(const VectorStore& store) {
  nb::typed<nb::list, Record> out;
  for (const vector::CommitInfo& info : Take(Unlocked([&] { return store.Log(); }))) {
    out.append(LogEntry(info));
  }
  return out;
}

Record Stats(const VectorStore& store) {
  const vector::StoreStats stats = store.Stats();
  Record out;
  out["version"] = stats.version;
  out["oldest_version"] = stats.oldest_version;
  out["rows"] = stats.rows;
  out["disk_bytes"] = stats.disk_bytes;
  return out;
}

std::tuple<Output<std::uint64_t>, Output<std::uint64_t>, Output<std::uint64_t>> Diff(
    const VectorStore& store, std::uint64_t from, std::uint64_t to) {
  vector::VersionDiff diff = Take(Unlocked([&] { return store.Diff(from, to); }));
  const std::size_t added = diff.added.size();
  const std::size_t removed = diff.removed.size();
  const std::size_t changed = diff.changed.size();
  return std::tuple(ArrayOf(std::move(diff.added), {added}),
                    ArrayOf(std::move(diff.removed), {removed}),
                    ArrayOf(std::move(diff.changed), {changed}));
}

}  // namespace

void BindVectorStore(nb::module_& module) {
  nb::class_<VectorStore>(module, "VectorStore",
                          "Vectors on disk under ids, with versions; safe for many threads.\n"
                          "Format: docs/formats/vector-store.md.")
      .def_static(
          "open", Open, nb::arg("folder"), nb::arg("dim") = 0, nb::arg("encoder") = "",
          nb::arg("read_only") = false,
          "Opens the store of a folder, or makes it with this dim and encoder. Raises\n"
          "Unavailable while another process writes to it, FailedPrecondition where dim or\n"
          "encoder are not the store's, DataLoss naming file and offset.")
      .def("put", PutRows, nb::arg("ids"), nb::arg("rows"),
           "Stores rows float32 [n, dim] under ids uint64 [n] as one durable commit; returns its\n"
           "version. Any bits come back, NaN too.")
      .def("erase", EraseIds, nb::arg("ids"), "Removes ids uint64 [n] in one commit.")
      .def("get", Get, nb::arg("id"), "The newest vector: float32 [dim]. Raises NotFound.")
      .def("read", Read, nb::arg("version") = nb::none(),
           "A whole state: (ids uint64 [n] rising, rows float32 [n, dim]); None is the newest.")
      .def("log", Log, "The kept commits, oldest first: version, time_ms, puts, erases, ...")
      .def("diff", Diff, nb::arg("from_version"), nb::arg("to_version"),
           "What differs between two versions: (added, removed, changed) ids, uint64 each.")
      .def(
          "rollback",
          [](VectorStore& store, std::uint64_t version) {
            return Take(Unlocked([&] { return store.Rollback(version); }));
          },
          nb::arg("version"), "A new version that equals an old one; returns its number.")
      .def(
          "compact", [](VectorStore& store) { Take(Unlocked([&] { return store.Compact(); })); },
          "Packs the newest state into a new base file.")
      .def("stats", Stats, "version, oldest_version, rows, disk_bytes.")
      .def_prop_ro("dim", &VectorStore::dim)
      .def_prop_ro("encoder", &VectorStore::encoder)
      .def_prop_ro("version", &VectorStore::version);
}

}  // namespace assay::python
