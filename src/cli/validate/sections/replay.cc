// Security against bytes that nobody would send: the gateway's fuzz corpora, replayed on a server.
#include <algorithm>
#include <array>
#include <filesystem>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/core/file_system.h"
#include "assay/crypto/key_store.h"

#include "validate/parts/gateway_child.h"
#include "validate/parts/stand_in.h"
#include "validate/sections/security.h"

namespace assay::cli::validate {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostFileBytes = std::uint64_t{1} << 26;
constexpr int kTimeoutS = 10;
constexpr std::array<std::string_view, 10> kEndpoints = {"/v1/chat/completions",
                                                         "/v1/completions",
                                                         "/v1/embeddings",
                                                         "/v1/claims/extract",
                                                         "/v1/claims/verify",
                                                         "/v1/check",
                                                         "/v1/consensus",
                                                         "/v1/keys",
                                                         "/v1/experiments/tone/outcome",
                                                         "/v1/experiments/tone/stop"};

struct Replay {
  std::size_t files = 0;
  std::size_t requests = 0;
  std::size_t refused = 0;  // 4xx
  std::size_t served = 0;   // 2xx
  std::vector<std::string> broken;

  void Count(int status, std::string_view what) {
    ++requests;
    refused += status >= 400 && status < 500 ? 1U : 0U;
    served += status >= 200 && status < 300 ? 1U : 0U;
    if (status >= 500) broken.push_back(fmt::format("{}: {}", what, status));
  }
};

// The bytes as they are on a connection of their own. Whatever comes back is read until its end: a
// server may close without a word.
Result<void> SendRaw(std::uint16_t port, std::string_view bytes, std::string_view name,
                     Replay& replay) {
  ASSAY_ASSIGN(Connection connection, Connection::Open(port, kTimeoutS));
  if (!connection.Send(bytes)) {
    ++replay.requests;  // closed while it was being sent
    return {};
  }
  connection.EndWriting();
  bool any = false;
  while (const auto answer = connection.Receive()) {
    replay.Count(answer->status(), fmt::format("{} as it is", name));
    any = true;
  }
  if (!any) ++replay.requests;
  return {};
}

Result<void> SendAsBody(std::uint16_t port, std::string_view bytes, std::string_view name,
                        std::string_view token, Replay& replay) {
  const std::string bearer = fmt::format("Bearer {}", token);
  for (const std::string_view path : kEndpoints) {
    ASSAY_ASSIGN(Connection connection, Connection::Open(port, kTimeoutS));
    const auto answer =
        connection.Ask(RequestBytes("POST", path, bytes, {{"authorization", bearer}}));
    if (!answer) {
      replay.broken.push_back(fmt::format("{} to {}: {}", name, path, answer.error().message));
      continue;
    }
    replay.Count(answer->status(), fmt::format("{} to {}", name, path));
  }
  return {};
}

Result<bool> Healthy(std::uint16_t port) {
  ASSAY_ASSIGN(Connection connection, Connection::Open(port, kTimeoutS));
  ASSAY_ASSIGN(const Message answer, connection.Ask(RequestBytes("GET", "/health", "")));
  return answer.status() == 200;
}

std::vector<std::string> CorpusFiles(const std::string& folder) {
  std::vector<std::string> out;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
    const std::string inside = fs::relative(entry.path(), folder, error).string();
    if (entry.is_regular_file() && inside.starts_with("gateway_")) {
      out.push_back(entry.path().string());
    }
  }
  std::ranges::sort(out);
  return out;
}

Result<std::string> AdminToken(const std::string& folder) {
  crypto::KeyStoreOptions options;
  options.directory = folder;
  ASSAY_ASSIGN(const auto store, crypto::KeyStore::Open(std::move(options)));
  crypto::KeySpec spec;
  spec.name = "replay";
  spec.scopes = {crypto::Scope::kAdmin};
  ASSAY_ASSIGN(const crypto::NewKey made, store->Create(spec, "cli:assay validate"));
  return std::string(made.token.view());
}

}  // namespace

Result<Finding> ReplayCorpus(Session& session) {
  Finding out;
  out.section = "security";
  out.name = "fuzz corpora of the gateway, as bytes of a connection and as body of each endpoint";
  out.claimed = "no blocking issues";
  out.promised = "no answer of 500 or more, the same process healthy at the end, and it ends well";
  ASSAY_ASSIGN(const auto upstream, StandIn::Start("The answer of the stand-in."));
  const std::string folder = session.folder() + "/replayed";
  ASSAY_ASSIGN(const std::string token, AdminToken(folder));
  boost::json::object settings = {
      {"data_folder", folder},
      {"keys", {{"mode", "required"}}},
      {"upstreams", {{"stand-in", {{"url", upstream->url()}}}}},
      {"routes",
       {{"*", {{"documents", {fs::absolute(session.options().examples + "/handbook").string()}}}}}},
      {"experiments",
       {{"tone",
         {{"variants", {{"plain", boost::json::object()}, {"warm", {{"temperature", 0.3}}}}},
          {"metrics", {{"rating", boost::json::object()}}}}}}}};
  ASSAY_ASSIGN(const auto gateway,
               GatewayChild::Start(session.folder(), "replayed", std::move(settings)));
  Replay replay;
  const std::vector<std::string> files = CorpusFiles(session.options().corpus);
  for (const std::string& file : files) {
    session.Step("security: fuzz corpora", replay.files, files.size());
    ASSAY_ASSIGN(const std::string bytes, core::FileSystem::Real().ReadFile(file, kMostFileBytes));
    ++replay.files;
    ASSAY_TRY(SendRaw(gateway->port(), bytes, file, replay));
    ASSAY_TRY(SendAsBody(gateway->port(), bytes, file, token, replay));
  }
  const auto healthy = Healthy(gateway->port());
  const bool well = healthy && *healthy && gateway->Alive();
  const int code = gateway->Stop();
  out.measured =
      fmt::format("{} files, {} requests: {} refused, {} served, {} failed; {}, exit code {}",
                  replay.files, replay.requests, replay.refused, replay.served,
                  replay.broken.size(), well ? "healthy" : "not healthy", code);
  if (!replay.broken.empty()) out.reason = "the first failure: " + replay.broken.front();
  out.figures = {
      {"files", replay.files}, {"requests", replay.requests}, {"failed", replay.broken.size()}};
  const bool holds = replay.files > 0 && replay.broken.empty() && well && code == 0;
  out.verdict = holds ? Verdict::kHolds : Verdict::kFallsShort;
  return out;
}

}  // namespace assay::cli::validate
