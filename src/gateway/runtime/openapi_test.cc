// docs/openapi.yaml names the endpoints that a whole gateway has, no more and no fewer.
#include <cstdlib>
#include <set>

#include <gtest/gtest.h>

#include "assay/config/parse.h"
#include "assay/crypto/key_store.h"
#include "assay/gateway/gateway.h"

#include "temp_dir.h"

namespace assay::gateway {
namespace {

// "POST /v1/check"; a pattern's {rest...} is a {rest} there.
std::string NameOf(std::string_view method, std::string pattern) {
  if (const std::size_t dots = pattern.find("...}"); dots != std::string::npos) {
    pattern.erase(dots, 3);
  }
  return std::string(method) + " " + pattern;
}

std::set<std::string> DocumentedOperations() {
  const char* source = std::getenv("ASSAY_SOURCE_DIR");
  EXPECT_NE(source, nullptr);
  std::set<std::string> names;
  const auto document =
      config::Load(core::FileSystem::Real(), std::string(source) + "/docs/openapi.yaml");
  EXPECT_TRUE(document) << document.error().message;
  const config::Value* paths = document ? document->root.Find("paths") : nullptr;
  EXPECT_NE(paths, nullptr);
  if (paths == nullptr) return names;
  for (const config::Member& path : *paths->as_map()) {
    for (const config::Member& operation : *path.value.as_map()) {
      std::string method(operation.key);
      for (char& c : method) c = static_cast<char>(c - 'a' + 'A');
      names.insert(NameOf(method, std::string(path.key)));
    }
  }
  return names;
}

TEST(OpenApi, NamesExactlyTheEndpointsOfTheServer) {
  testing::TempDir folder;
  crypto::KeyStoreOptions key_options;
  key_options.directory = folder.path();
  key_options.sync_every_ms = 0;
  const auto keys = crypto::KeyStore::Open(std::move(key_options));
  ASSERT_TRUE(keys) << keys.error().message;
  Settings settings;
  settings.listen = {"127.0.0.1:0"};
  settings.keys.mode = KeyMode::kRequired;
  settings.data_folder = folder.path();
  UpstreamSettings upstream;
  upstream.name = "local";
  upstream.url = "http://127.0.0.1:9/v1";
  settings.upstreams.push_back(upstream);
  ASSERT_TRUE(FinishSettings(settings));
  GatewayParts parts;
  parts.keys = keys->get();
  const auto gateway = Gateway::Make(settings, {}, parts);
  ASSERT_TRUE(gateway) << gateway.error().message;
  std::set<std::string> served;
  for (const Router::Route& route : (*gateway)->router().routes()) {
    served.insert(NameOf(route.method, route.pattern));
  }
  EXPECT_EQ(served, DocumentedOperations());
}

}  // namespace
}  // namespace assay::gateway
