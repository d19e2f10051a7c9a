// Real sockets with answers as the servers' own documentation shows them.
#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "assay/scan/services.h"

#include "identify/models_internal.h"

namespace assay::scan {
namespace {

// Answers what `reply` gives for the bytes that a client sent first; closes then.
class Responder {
 public:
  using Reply = std::function<std::string(std::string_view request)>;

  explicit Responder(Reply reply)
      : reply_(std::move(reply)), descriptor_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(descriptor_, generic, size), 0);
    EXPECT_EQ(::listen(descriptor_, 64), 0);
    EXPECT_EQ(::getsockname(descriptor_, generic, &size), 0);
    port_.address = *Address::Parse("127.0.0.1");
    port_.port = ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;
  ~Responder() {
    ::shutdown(descriptor_, SHUT_RDWR);
    thread_.join();
    ::close(descriptor_);
  }
  [[nodiscard]] const OpenPort& port() const { return port_; }

 private:
  void Serve() {
    while (true) {
      const int client = ::accept(descriptor_, nullptr, nullptr);
      if (client < 0) return;
      std::string request(65'536, '\0');
      const ssize_t got = ::recv(client, request.data(), request.size(), 0);
      request.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
      const std::string answer = reply_(request);
      (void)!::send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
      ::close(client);
    }
  }

  Reply reply_;
  int descriptor_;
  OpenPort port_;
  std::thread thread_;
};

// An HTTP server with these bodies by path; anything else is 404.
Responder::Reply Http(std::map<std::string, std::string> bodies, std::string field = {}) {
  return [bodies = std::move(bodies), field = std::move(field)](std::string_view request) {
    const std::size_t begin = request.find(' ') + 1;
    if (begin == 0 || !request.contains("HTTP/1.1")) return std::string();
    const std::string path(request.substr(begin, request.find(' ', begin) - begin));
    const auto found = bodies.find(path);
    const std::string body = found == bodies.end() ? "not found" : found->second;
    return fmt::format("HTTP/1.1 {}\r\ncontent-length: {}\r\n{}connection: close\r\n\r\n{}",
                       found == bodies.end() ? "404 Not Found" : "200 OK", body.size(), field,
                       body);
  };
}

Service Identified(const Responder& server) {
  const std::vector<OpenPort> ports = {server.port()};
  const auto services = Identify(ports, {.timeout_ms = 5'000});
  EXPECT_TRUE(services && services->size() == 1);
  return services->front();
}

TEST(Identify, Ollama) {
  const Responder server(Http(
      {{"/v1/models",
        R"({"object":"list","data":[{"id":"llama3.2:3b","object":"model","owned_by":"library"}]})"},
       {"/api/version", R"({"version":"0.5.7"})"},
       {"/api/show",
        R"({"model_info":{"general.architecture":"llama","llama.context_length":131072}})"}}));
  const Service found = Identified(server);
  EXPECT_EQ(found.kind, ServiceKind::kOllama);
  EXPECT_EQ(found.version, "0.5.7");
  ASSERT_EQ(found.models.size(), 1U);
  EXPECT_EQ(found.models[0].id, "llama3.2:3b");
  EXPECT_EQ(found.models[0].context_tokens, 131'072U);
  EXPECT_TRUE(found.openai);
}

TEST(Identify, Vllm) {
  const Responder server(Http(
      {{"/v1/models",
        R"({"object":"list","data":[{"id":"Qwen/Qwen2.5-7B","owned_by":"vllm","max_model_len":32768}]})"},
       {"/version", R"({"version":"0.6.4"})"}}));
  const Service found = Identified(server);
  EXPECT_EQ(found.kind, ServiceKind::kVllm);
  EXPECT_EQ(found.version, "0.6.4");
  EXPECT_EQ(found.models.at(0).context_tokens, 32'768U);
}

TEST(Identify, LlamaCpp) {
  const Responder server(Http(
      {{"/v1/models",
        R"({"object":"list","data":[{"id":"m.gguf","owned_by":"llamacpp","meta":{"n_ctx_train":131072}}]})"},
       {"/props", R"({"default_generation_settings":{"n_ctx":8192},"build_info":"b4000-abc"})"}}));
  const Service found = Identified(server);
  EXPECT_EQ(found.kind, ServiceKind::kLlamaCpp);
  EXPECT_EQ(found.version, "b4000-abc");
  EXPECT_EQ(found.models.at(0).context_tokens, 8'192U)
      << "what it serves, not what it was trained for";
}

TEST(Identify, LmStudioAndTextGenerationInference) {
  const std::string list =
      R"({"object":"list","data":[{"id":"phi","owned_by":"organization_owner"}]})";
  const Responder studio(
      Http({{"/v1/models", list},
            {"/api/v0/models",
             R"({"object":"list","data":[{"id":"phi","max_context_length":4096}]})"}}));
  EXPECT_EQ(Identified(studio).kind, ServiceKind::kLmStudio);
  EXPECT_EQ(Identified(studio).models.at(0).context_tokens, 4'096U);
  const Responder tgi(Http(
      {{"/info", R"({"model_id":"tiiuae/falcon","max_total_tokens":2048,"version":"2.0.1"})"}}));
  const Service found = Identified(tgi);
  EXPECT_EQ(found.kind, ServiceKind::kTgi);
  EXPECT_EQ(found.models.at(0).id, "tiiuae/falcon");
  EXPECT_TRUE(found.openai);
}

TEST(Identify, AServerThatWantsAKeyAndAnotherGateway) {
  const Responder locked([](std::string_view) {
    return std::string(
        "HTTP/1.1 401 Unauthorized\r\ncontent-length: 30\r\nconnection: close\r\n\r\n"
        R"({"error":{"message":"no key"}})");
  });
  EXPECT_EQ(Identified(locked).kind, ServiceKind::kOpenAi);
  EXPECT_TRUE(Identified(locked).needs_key);
  const Responder gateway(Http({{"/v1/models", R"({"object":"list","data":[{"id":"*"}]})"},
                                {"/health", R"({"status":"ok"})"}},
                               "X-Request-Id: req_0123456789abcdef\r\n"));
  EXPECT_EQ(Identified(gateway).kind, ServiceKind::kAssay);
}

TEST(Identify, RedisPostgresAndSilence) {
  const Responder redis([](std::string_view request) -> std::string {
    if (request.starts_with("PING")) return "+PONG\r\n+OK\r\n";
    if (request.starts_with("INFO"))
      return "$40\r\n# Server\r\nredis_version:7.0.15\r\n\r\n+OK\r\n";
    return "-ERR unknown command\r\n";
  });
  EXPECT_EQ(Identified(redis).kind, ServiceKind::kRedis);
  EXPECT_EQ(Identified(redis).version, "7.0.15");
  const Responder locked([](std::string_view request) -> std::string {
    return request.starts_with("PING") ? "-NOAUTH Authentication required.\r\n" : "-ERR\r\n";
  });
  EXPECT_EQ(Identified(locked).kind, ServiceKind::kRedis);
  EXPECT_TRUE(Identified(locked).needs_key);
  const Responder postgres([](std::string_view request) -> std::string {
    return request.size() == 8 && request[4] == 0x04 ? "N" : "";
  });
  EXPECT_EQ(Identified(postgres).kind, ServiceKind::kPostgres);
  const Responder silent([](std::string_view) { return std::string(); });
  EXPECT_EQ(Identified(silent).kind, ServiceKind::kUnknown);
  const Responder web(Http({{"/", "hello"}}));
  EXPECT_EQ(Identified(web).kind, ServiceKind::kHttp);
  EXPECT_FALSE(Identified(web).openai);
}

TEST(Identify, WritesUpstreamsThatCannotEscapeTheirComment) {
  std::vector<Service> services(2);
  services[0].address = *Address::Parse("fe80::1");
  services[0].port = 11'434;
  services[0].kind = ServiceKind::kOllama;
  services[0].openai = true;
  services[0].models = {{"evil\n  x: y", 4'096}};
  services[1].kind = ServiceKind::kRedis;
  EXPECT_EQ(UpstreamsYaml(services),
            "upstreams:\n  ollama-fe80--1-11434:\n    url: http://[fe80::1]:11434/v1\n"
            "    # model evil  x: y, 4096 tokens\n");
  EXPECT_EQ(UpstreamsYaml(std::span(services).subspan(1)), "");
}

TEST(Identify, ReadsNothingIntoOtherJson) {
  for (const char* text : {"", "null", "[]", "{}", R"({"data":1})", R"({"data":[1]})",
                           R"({"data":[{}]})", R"({"data":[]})", "{\"data\":"}) {
    EXPECT_FALSE(internal::ReadModelList(text)) << text;
    EXPECT_FALSE(internal::ReadTgiInfo(text)) << text;
    EXPECT_EQ(internal::ReadOllamaContext(text), 0U) << text;
    EXPECT_EQ(internal::ReadLlamaContext(text), 0U) << text;
  }
  EXPECT_TRUE(internal::ReadModelList(R"({"object":"list","data":[]})"));
}

}  // namespace
}  // namespace assay::scan
