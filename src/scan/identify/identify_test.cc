// Real sockets with answers as the servers' own documentation shows them.
#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "assay/scan/services.h"

#include "identify/models_internal.h"
#include "identify/responder_test_support.h"
#include "sanitizers.h"

namespace assay::scan {
namespace {

using testing::Http;
using testing::Responder;

// What the servers say, by kind.
const std::map<ServiceKind, Responder::Reply>& Replies() {
  static const std::map<ServiceKind, Responder::Reply> kReplies = {
      {ServiceKind::kOllama,
       Http(
           {{"/v1/models",
             R"({"object":"list","data":[{"id":"llama3.2:3b","object":"model","owned_by":"library"}]})"},
            {"/api/version", R"({"version":"0.5.7"})"},
            {"/api/show",
             R"({"model_info":{"general.architecture":"llama","llama.context_length":131072}})"}})},
      {ServiceKind::kVllm,
       Http(
           {{"/v1/models",
             R"({"object":"list","data":[{"id":"Qwen/Qwen2.5-7B","owned_by":"vllm","max_model_len":32768}]})"},
            {"/version", R"({"version":"0.6.4"})"}})},
      {ServiceKind::kLlamaCpp,
       Http(
           {{"/v1/models",
             R"({"object":"list","data":[{"id":"m.gguf","owned_by":"llamacpp","meta":{"n_ctx_train":131072}}]})"},
            {"/props",
             R"({"default_generation_settings":{"n_ctx":8192},"build_info":"b4000-abc"})"}})},
      {ServiceKind::kRedis,
       [](std::string_view request) -> std::string {
         if (request.starts_with("PING")) return "+PONG\r\n+OK\r\n";
         if (request.starts_with("INFO"))
           return "$40\r\n# Server\r\nredis_version:7.0.15\x1b\xff\r\n\r\n+OK\r\n";
         return "-ERR unknown command\r\n";
       }},
      {ServiceKind::kPostgres,
       [](std::string_view request) -> std::string {
         return request.size() == 8 && request[4] == 0x04 ? "N" : "";
       }},
      {ServiceKind::kHttp, Http({{"/", "hello"}})}};
  return kReplies;
}

Service Identified(const Responder& server) {
  const std::vector<OpenPort> ports = {server.port()};
  const auto services = Identify(ports, {.timeout_ms = 5'000});
  EXPECT_TRUE(services && services->size() == 1);
  return services->front();
}

TEST(Identify, Ollama) {
  const Responder server(Replies().at(ServiceKind::kOllama));
  const Service found = Identified(server);
  EXPECT_EQ(found.kind, ServiceKind::kOllama);
  EXPECT_EQ(found.version, "0.5.7");
  ASSERT_EQ(found.models.size(), 1U);
  EXPECT_EQ(found.models[0].id, "llama3.2:3b");
  EXPECT_EQ(found.models[0].context_tokens, 131'072U);
  EXPECT_TRUE(found.openai);
}

TEST(Identify, Vllm) {
  const Responder server(Replies().at(ServiceKind::kVllm));
  const Service found = Identified(server);
  EXPECT_EQ(found.kind, ServiceKind::kVllm);
  EXPECT_EQ(found.version, "0.6.4");
  EXPECT_EQ(found.models.at(0).context_tokens, 32'768U);
}

TEST(Identify, LlamaCpp) {
  const Responder server(Replies().at(ServiceKind::kLlamaCpp));
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
  const Responder redis(Replies().at(ServiceKind::kRedis));
  EXPECT_EQ(Identified(redis).kind, ServiceKind::kRedis);
  EXPECT_EQ(Identified(redis).version, "7.0.15");
  const Responder locked([](std::string_view request) -> std::string {
    return request.starts_with("PING") ? "-NOAUTH Authentication required.\r\n" : "-ERR\r\n";
  });
  EXPECT_EQ(Identified(locked).kind, ServiceKind::kRedis);
  EXPECT_TRUE(Identified(locked).needs_key);
  const Responder postgres(Replies().at(ServiceKind::kPostgres));
  EXPECT_EQ(Identified(postgres).kind, ServiceKind::kPostgres);
  const Responder silent([](std::string_view) { return std::string(); });
  EXPECT_EQ(Identified(silent).kind, ServiceKind::kUnknown);
  const Responder web(Replies().at(ServiceKind::kHttp));
  EXPECT_EQ(Identified(web).kind, ServiceKind::kHttp);
  EXPECT_FALSE(Identified(web).openai);
}

TEST(Identify, FindsAndNamesTwentyServersOfSixKindsAmongAThousandPortsEachTime) {
  std::vector<std::unique_ptr<Responder>> servers;
  std::map<std::uint16_t, ServiceKind> wanted;
  while (servers.size() < 20) {
    for (const auto& [kind, reply] : Replies()) {
      if (servers.size() == 20) break;
      servers.push_back(std::make_unique<Responder>(reply));
      wanted[servers.back()->port().port] = kind;
    }
  }
  std::set<std::uint16_t> ports;
  for (const auto& [port, kind] : wanted) ports.insert(port);
  for (std::uint16_t port = 20'000; ports.size() < 1'000; ++port) ports.insert(port);
  const auto targets =
      TargetSet::Create({.hosts = {"127.0.0.1"}, .ports = {ports.begin(), ports.end()}});
  ASSERT_TRUE(targets);
  const int runs = assay::testing::Sized(100, 5);
  for (int run = 0; run < runs; ++run) {
    auto report = Scan(*targets);
    ASSERT_TRUE(report) << report.error().message;
    ASSERT_EQ(report->open.size() + report->refused + report->silent + report->unreachable, 1'000U);
    // Others on this machine may listen there too: they are left alone.
    std::erase_if(report->open, [&](const OpenPort& one) { return !wanted.contains(one.port); });
    const auto services = Identify(report->open);
    ASSERT_TRUE(services) << services.error().message;
    std::map<std::uint16_t, ServiceKind> found;
    for (const Service& service : *services) found[service.port] = service.kind;
    ASSERT_EQ(found, wanted) << "run " << run;
  }
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
