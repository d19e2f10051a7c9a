// Verdicts of claims that were judged before: in the process, through the shared memory of a
// gateway (a process of its own), and through its HTTP endpoint over a kept connection.
// Input: bench/sentences.txt under $ASSAY_DATA; 1,024 lines are judged against this project's
// docs/. The program `assay` is looked for beside the folder of this program.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <boost/json.hpp>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assay/claims/shared/verifier.h"
#include "assay/embed/static_encoder.h"
#include "assay/gateway/answer_checker.h"

namespace {

using assay::claims::SharedVerifier;
using assay::claims::VerdictRecord;
using assay::gateway::AnswerChecker;

constexpr std::size_t kClaims = 1024;

// `assay serve` with HTTP on a free port and shared memory; ended with this object.
class Gateway {
 public:
  Gateway(const std::string& program, const std::string& documents, const std::string& name) {
    int pipe[2];
    if (::pipe(pipe) != 0) std::abort();
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(pipe[1], STDOUT_FILENO);
      ::close(pipe[0]);
      ::setenv("ASSAY_CLAIMS_CHECKER", "off", 1);  // as the checker in this process
      ::execl(program.c_str(), program.c_str(), "serve", "--upstream", "http://127.0.0.1:9/v1",
              "--listen", "127.0.0.1:0", "--docs", documents.c_str(), "--shm", name.c_str(),
              static_cast<char*>(nullptr));
      ::_exit(127);
    }
    ::close(pipe[1]);
    std::FILE* const output = ::fdopen(pipe[0], "r");
    char line[256] = {};
    while (std::fgets(line, sizeof(line), output) != nullptr) {
      const std::string_view said(line);
      if (const auto at = said.rfind(':'); said.find("listening") != std::string_view::npos) {
        port_ = static_cast<std::uint16_t>(std::strtoul(line + at + 1, nullptr, 10));
      }
      if (said.find("shared memory") != std::string_view::npos) break;
    }
    std::fclose(output);
  }
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;
  ~Gateway() {
    ::kill(child_, SIGTERM);
    ::waitpid(child_, nullptr, 0);
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  pid_t child_ = -1;
  std::uint16_t port_ = 0;
};

// POST /v1/claims/verify on one connection.
class HttpClient {
 public:
  explicit HttpClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
      std::abort();
    }
  }
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient() { ::close(socket_); }

  // How many verdicts came; the reply is parsed, as a client must.
  std::size_t Verify(std::span<const std::string_view> claims) {
    boost::json::array list(claims.begin(), claims.end());
    const std::string body = boost::json::serialize(boost::json::object{{"claims", list}});
    const std::string request = fmt::format(
        "POST /v1/claims/verify HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        "content-length: {}\r\n\r\n{}",
        body.size(), body);
    if (::send(socket_, request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size())) {
      return 0;
    }
    return boost::json::parse(Receive()).as_object().at("results").as_array().size();
  }

 private:
  std::string Receive() {
    std::string bytes;
    std::size_t whole = std::string::npos;
    char buffer[65536];
    while (bytes.size() < whole) {
      const ssize_t got = ::recv(socket_, buffer, sizeof(buffer), 0);
      if (got <= 0) std::abort();
      bytes.append(buffer, static_cast<std::size_t>(got));
      const std::size_t head = bytes.find("\r\n\r\n");
      if (whole != std::string::npos || head == std::string::npos) continue;
      const std::size_t length = bytes.find("content-length: ");
      whole = head + 4 + std::strtoul(bytes.c_str() + length + 16, nullptr, 10);
    }
    return bytes.substr(bytes.find("\r\n\r\n") + 4);
  }

  int socket_;
};

struct Bench {
  std::vector<std::string> texts;
  std::vector<std::string_view> claims;
  std::unique_ptr<assay::embed::Encoder> encoder;
  std::unique_ptr<AnswerChecker> checker;
  std::unique_ptr<Gateway> gateway;
  std::unique_ptr<SharedVerifier> shared;
  std::unique_ptr<HttpClient> http;
};

Bench& TheBench() {
  static Bench bench;
  return bench;
}

bool Prepare(Bench& bench, const std::filesystem::path& program, const std::string& data) {
  const char* const models = std::getenv("ASSAY_MODELS");
  const char* const source = std::getenv("ASSAY_SOURCE_DIR");
  std::ifstream stream(data + "/bench/sentences.txt");
  for (std::string line; bench.texts.size() < kClaims && std::getline(stream, line);) {
    bench.texts.push_back(line);
  }
  if (models == nullptr || source == nullptr || bench.texts.size() < kClaims) return false;
  bench.claims.assign(bench.texts.begin(), bench.texts.end());
  auto& files = assay::core::FileSystem::Real();
  const std::vector<std::string> folders = {models};
  const auto folder = assay::embed::FindModel(files, folders, assay::embed::kStaticMiniLm);
  if (!folder) return false;
  bench.encoder = assay::embed::OpenStaticEncoder(files, *folder).value();
  const std::string documents = std::string(source) + "/docs";
  bench.checker =
      AnswerChecker::Open(files, {.documents = {documents}, .encoder = bench.encoder.get()})
          .value();
  const std::string name = fmt::format("bench-{}", ::getpid());
  const auto assay = program.parent_path().parent_path() / "assay";
  bench.gateway = std::make_unique<Gateway>(assay.string(), documents, name);
  bench.shared = std::make_unique<SharedVerifier>(SharedVerifier::Connect(name).value());
  bench.http = std::make_unique<HttpClient>(bench.gateway->port());
  // All are judged once, and alike.
  std::vector<VerdictRecord> here(kClaims);
  if (!bench.checker->VerifyRecords(bench.claims, here)) return false;
  const auto there = bench.shared->VerifyRecords(bench.claims);
  for (std::size_t i = 0; i < kClaims; ++i) {
    if (!there || (*there)[i].verdict != here[i].verdict) return false;
  }
  return bench.http->Verify(bench.claims) == kClaims;
}

template <typename Verify>
void Run(benchmark::State& state, const Verify& verify) {
  const auto batch = static_cast<std::size_t>(state.range(0));
  const std::span<const std::string_view> claims(TheBench().claims);
  std::size_t at = 0;
  for (auto _ : state) {
    if (!verify(claims.subspan(at, batch))) state.SkipWithError("a verdict is missing");
    at = (at + batch) % kClaims;
  }
  state.counters["per_claim"] =
      benchmark::Counter(static_cast<double>(batch), benchmark::Counter::kIsIterationInvariantRate |
                                                         benchmark::Counter::kInvert);
}

void InProcess(benchmark::State& state) {
  std::vector<VerdictRecord> records(kClaims);
  Run(state, [&](std::span<const std::string_view> claims) {
    return TheBench()
        .checker->VerifyRecords(claims, std::span(records).first(claims.size()))
        .has_value();
  });
}

void Shared(benchmark::State& state) {
  Run(state, [](std::span<const std::string_view> claims) {
    const auto records = TheBench().shared->VerifyRecords(claims);
    return records && records->size() == claims.size();
  });
}

void Http(benchmark::State& state) {
  Run(state, [](std::span<const std::string_view> claims) {
    return TheBench().http->Verify(claims) == claims.size();
  });
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  const char* const data = std::getenv("ASSAY_DATA");
  if (data == nullptr || !Prepare(TheBench(), std::filesystem::canonical(argv[0]), data)) {
    std::fprintf(stderr,
                 "shared_claims_bench needs $ASSAY_DATA, $ASSAY_MODELS, $ASSAY_SOURCE_DIR and the "
                 "program assay\n");
    return 1;
  }
  for (const std::int64_t batch : {1, 64, 1024}) {
    benchmark::RegisterBenchmark("in_process", InProcess)->Arg(batch)->UseRealTime();
    benchmark::RegisterBenchmark("shared_memory", Shared)->Arg(batch)->UseRealTime();
    benchmark::RegisterBenchmark("http", Http)->Arg(batch)->UseRealTime();
  }
  benchmark::RunSpecifiedBenchmarks();
  TheBench() = {};
  return 0;
}
