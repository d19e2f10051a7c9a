// shared.cc: assay.SharedClient: verdicts of a gateway on this machine, through shared memory.
#include <chrono>
#include <mutex>

#include "assay/claims/shared/verifier.h"

#include "support.h"

namespace assay::python {
namespace {

// Behind a lock: a lane has one user at a time, Python threads may be many.
class PySharedClient {
 public:
  PySharedClient(std::string_view name, double timeout_s)
      : verifier_(Take(claims::SharedVerifier::Connect(name, Nanoseconds(timeout_s)))) {}

  std::vector<claims::Judgement> VerifyBatch(const nb::object& texts, std::string_view route) {
    const Texts held(texts);
    std::vector<claims::Judgement> found = Take(Unlocked([&] {
      const std::lock_guard locked(mutex_);
      return verifier_.Verify(held.views(), route);
    }));
    for (std::size_t i = 0; i < found.size(); ++i) {
      ToCharacters(held.views()[i], found[i].unsupported_words);
    }
    return found;
  }

  std::pair<Output<std::uint8_t>, Output<float>> Codes(const nb::object& texts,
                                                       std::string_view route) {
    const Texts held(texts);
    const auto records = Take(Unlocked([&] {
      const std::lock_guard locked(mutex_);
      return verifier_.VerifyRecords(held.views(), route);
    }));
    std::vector<std::uint8_t> verdicts(records.size());
    std::vector<float> confidences(records.size());
    for (std::size_t i = 0; i < records.size(); ++i) {
      verdicts[i] = static_cast<std::uint8_t>(records[i].verdict);
      confidences[i] = records[i].confidence;
    }
    const std::size_t n = records.size();
    return std::pair(ArrayOf(std::move(verdicts), {n}), ArrayOf(std::move(confidences), {n}));
  }

 private:
  static std::chrono::nanoseconds Nanoseconds(double seconds) {
    if (!(seconds > 0) || seconds > 86'400) {
      Raise(Code::kInvalidArgument, "timeout must be more than 0 and at most 86400 seconds");
    }
    return std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
  }

  claims::SharedVerifier verifier_;
  std::mutex mutex_;
};

}  // namespace

void BindShared(nb::module_& module) {
  nb::class_<PySharedClient>(
      module, "SharedClient",
      "Verifies claims against the documents of `assay serve --shm NAME` on this machine, without\n"
      "HTTP; thread-safe, not for a forked child. Raises NotFound without such a server,\n"
      "ResourceExhausted when all its lanes are taken, Unavailable when it is gone: then connect\n"
      "anew. `timeout` in seconds is that of each batch.")
      .def(nb::init<std::string_view, double>(), nb::arg("name"), nb::arg("timeout") = 60.0)
      .def("verify_batch", &PySharedClient::VerifyBatch, nb::arg("claims"), nb::arg("route") = "",
           "One judgement a claim, against the documents of that route ('': the first that has\n"
           "some). Without the GIL.")
      .def(
          "codes", &PySharedClient::Codes, nb::arg("claims"), nb::arg("route") = "",
          "Verdicts of n claims as (uint8 [n], confidence float32 [n]); claims.VERDICTS names the\n"
          "codes. The quick way. Without the GIL.");
}

}  // namespace assay::python
