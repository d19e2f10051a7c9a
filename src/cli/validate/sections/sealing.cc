// Security of what lies on the disk: the audit log, and sealed answers.
#include <filesystem>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/core/file_system.h"
#include "assay/crypto/audit_log.h"
#include "assay/crypto/key_ring.h"

#include "validate/parts/gateway_child.h"
#include "validate/parts/stand_in.h"
#include "validate/sections/security.h"

namespace assay::cli::validate {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostFileBytes = std::uint64_t{1} << 30;
constexpr std::string_view kQuestionMark = "Quetzalcoatlus-question";
constexpr std::string_view kAnswerMark = "Quetzalcoatlus-answer";
constexpr std::string_view kLevel = "quantum-grade security";

struct Traces {
  std::size_t files = 0;
  std::uint64_t bytes = 0;
  std::size_t found = 0;  // files that hold the question or the answer
};

Result<Traces> TracesIn(const std::string& folder) {
  Traces out;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
    if (!entry.is_regular_file()) continue;
    ASSAY_ASSIGN(const std::string text,
                 core::FileSystem::Real().ReadFile(entry.path().string(), kMostFileBytes));
    ++out.files;
    out.bytes += text.size();
    const bool holds = text.find(kQuestionMark) != std::string::npos ||
                       text.find(kAnswerMark) != std::string::npos;
    out.found += holds ? 1U : 0U;
  }
  return out;
}

// What a gateway leaves on the disk after one question and its answer, asked again after a restart.
struct Left {
  Traces traces;
  std::string after_restart;  // x-assay-cache of the second time
};

Result<Left> Leave(Session& session, const std::string& name, const std::string& key_file) {
  ASSAY_ASSIGN(const auto upstream, StandIn::Start(fmt::format("The {} is 42.", kAnswerMark)));
  const std::string folder = session.folder() + "/" + name + "-cache";
  const std::string request = RequestBytes(
      "POST", "/v1/chat/completions",
      boost::json::serialize(boost::json::object{
          {"model", "stand-in"},
          {"messages", {{{"role", "user"}, {"content", fmt::format("The {}?", kQuestionMark)}}}}}));
  Left out;
  for (int round = 0; round < 2; ++round) {
    boost::json::object cache = {{"disk", {{"folder", folder}}}, {"refresh_ahead", 100}};
    if (!key_file.empty()) cache["sealing_key_file"] = key_file;
    boost::json::object settings = {{"upstreams", {{"stand-in", {{"url", upstream->url()}}}}},
                                    {"cache", std::move(cache)}};
    ASSAY_ASSIGN(const auto gateway,
                 GatewayChild::Start(session.folder(), name, std::move(settings)));
    ASSAY_ASSIGN(Connection connection, Connection::Open(gateway->port(), 20));
    ASSAY_ASSIGN(const Message answer, connection.Ask(request));
    if (answer.body.find(kAnswerMark) == std::string::npos) {
      return Fail(Code::kInternal, "the gateway did not give the answer: " + answer.start);
    }
    out.after_restart = std::string(answer.Header("x-assay-cache"));
    gateway->Stop();
  }
  ASSAY_ASSIGN(out.traces, TracesIn(folder));
  return out;
}

}  // namespace

Result<Finding> ProveSealing(Session& session) {
  Finding out;
  out.section = "security";
  out.name = "sealed answers on the disk";
  out.claimed = kLevel;
  out.promised =
      "no file holds question or answer in clear text, where files of an unsealed cache "
      "do; after a restart the answer is served from them";
  const std::string key_file = session.folder() + "/sealing.keys";
  ASSAY_TRY(crypto::KeyRing::Generate().Save(key_file));
  ASSAY_ASSIGN(const Left sealed, Leave(session, "sealed", key_file));
  ASSAY_ASSIGN(const Left open, Leave(session, "unsealed", ""));
  out.measured = fmt::format(
      "sealed (AES-256-GCM): found in {} of {} files ({} bytes), then '{}'; not sealed: in {} of "
      "{}",
      sealed.traces.found, sealed.traces.files, sealed.traces.bytes, sealed.after_restart,
      open.traces.found, open.traces.files);
  const bool holds = sealed.traces.files > 0 && sealed.traces.found == 0 && open.traces.found > 0 &&
                     sealed.after_restart.starts_with("hit");
  out.verdict = holds ? Verdict::kHolds : Verdict::kFallsShort;
  return out;
}

Result<Finding> ProveAuditLog(const crypto::KeyStore& store, const std::string& folder) {
  Finding out;
  out.section = "security";
  out.name = "audit log of keys";
  out.claimed = kLevel;
  out.promised = "the chain verifies; with one byte changed, whichever, it does not";
  core::FileSystem& files = core::FileSystem::Real();
  const std::string path = folder + "/guarded/audit.log";
  const auto verify = [&](const std::string& file) {
    return crypto::AuditLog::Verify({.path = file, .files = nullptr, .clock = nullptr},
                                    store.ring());
  };
  ASSAY_ASSIGN(const crypto::AuditReport whole, verify(path));
  ASSAY_ASSIGN(const std::string text, files.ReadFile(path, kMostFileBytes));
  const std::string copy = folder + "/changed.log";
  std::size_t tried = 0;
  std::size_t found = 0;
  for (std::size_t at = 0; at < text.size(); at += 7) {  // 7: bytes of every kind, not all of them
    std::string changed = text;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    ASSAY_TRY(core::WriteFileAtomically(files, copy, changed));
    const auto report = verify(copy);
    ++tried;
    found += !report || report->broken || report->records < whole.records ? 1U : 0U;
  }
  out.measured = fmt::format("{} records verify; {} of {} changed bytes were found", whole.records,
                             found, tried);
  out.figures = {{"records", whole.records}, {"tried", tried}, {"found", found}};
  const bool holds = !whole.broken && whole.records >= 6 && tried > 0 && found == tried;
  out.verdict = holds ? Verdict::kHolds : Verdict::kFallsShort;
  return out;
}

}  // namespace assay::cli::validate
