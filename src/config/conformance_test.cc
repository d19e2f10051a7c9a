// The public suites of the three syntaxes: yaml-test-suite, JSONTestSuite, toml-test.
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "assay/config/parse.h"

namespace assay::config {
namespace {

namespace fs = std::filesystem;

fs::path SuiteFolder(std::string_view name) {
  const char* data = std::getenv("ASSAY_DATA");
  return data == nullptr ? fs::path() : fs::path(data) / "config" / name;
}

std::string ReadAll(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void ReplaceAll(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

// The suite writes invisible characters as visible ones.
std::string Unmask(std::string text) {
  for (const char* tab : {"————»", "———»", "——»", "—»", "»"}) ReplaceAll(text, tab, "\t");
  ReplaceAll(text, "␣", " ");
  ReplaceAll(text, "↵", "");
  ReplaceAll(text, "←", "\r");
  ReplaceAll(text, "⇔", "\xEF\xBB\xBF");
  if (const auto end = text.find("∎"); end != std::string::npos) {
    text.resize(end);
  }
  return text;
}

bool Same(const Value& a, const Value& b) {
  const auto number = [](const Value& v) {
    return v.as_integer() ? static_cast<double>(*v.as_integer())
           : v.as_float() ? *v.as_float()
                          : NAN;
  };
  if (!std::isnan(number(a)) || !std::isnan(number(b))) return number(a) == number(b);
  if (a.kind() != b.kind()) return false;
  if (a.as_bool()) return *a.as_bool() == *b.as_bool();
  if (a.as_string()) return *a.as_string() == *b.as_string();
  if (a.as_list()) {
    return std::equal(a.as_list()->begin(), a.as_list()->end(), b.as_list()->begin(),
                      b.as_list()->end(), Same);
  }
  if (a.as_map()) {
    if (a.as_map()->size() != b.as_map()->size()) return false;
    for (const Member& member : *a.as_map()) {
      const Value* other = b.Find(member.key);
      if (other == nullptr || !Same(member.value, *other)) return false;
    }
  }
  return true;
}

// What a configuration refuses on purpose although YAML allows it.
bool IsDocumentedRefusal(const std::string& message) {
  for (const char* reason :
       {"a second document begins here", "a key must be a scalar", "a second time"}) {
    if (message.find(reason) != std::string::npos) return true;
  }
  return false;
}

TEST(YamlConformance, AgreesWithTheYamlTestSuite) {
  const fs::path folder = SuiteFolder("yaml");
  if (!fs::is_directory(folder)) GTEST_SKIP() << "set ASSAY_DATA to run the YAML test suite";
  int accepted = 0;
  int refused = 0;
  std::set<std::string> wrong;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto suite = Parse(ReadAll(entry.path()), entry.path().filename(), Syntax::kYaml);
    ASSERT_TRUE(suite.has_value()) << suite.error().message;
    std::string yaml;
    std::string json;
    int number = 0;
    for (const Value& test : *suite->root.as_list()) {
      const std::string id = entry.path().stem().string() + "/" + std::to_string(number++);
      if (const Value* text = test.Find("yaml")) yaml = Unmask(*text->as_string());
      if (const Value* text = test.Find("json")) json = text->as_string() ? *text->as_string() : "";
      const Value* fail = test.Find("fail");
      const auto document = Parse(yaml, id, Syntax::kYaml);
      if (fail != nullptr && fail->as_bool() && *fail->as_bool()) {
        if (document) wrong.insert(id);
        ++refused;
        continue;
      }
      ++accepted;
      if (!document) {
        if (!IsDocumentedRefusal(document.error().message)) wrong.insert(id);
        continue;
      }
      const auto expected = Parse(json, id, Syntax::kJson);
      if (expected && !Same(document->root, expected->root)) wrong.insert(id);
    }
  }
  EXPECT_GT(accepted, 250);
  EXPECT_GT(refused, 60);
  // Directive lines of an unknown form, which libfyaml 0.7.12 reads in its own way.
  const std::set<std::string> known = {"ZYU8/2", "ZYU8/3"};
  EXPECT_EQ(wrong, known);
}

TEST(JsonConformance, AgreesWithJsonTestSuite) {
  const fs::path folder = SuiteFolder("json") / "test_parsing";
  if (!fs::is_directory(folder)) GTEST_SKIP() << "set ASSAY_DATA to run the JSON test suite";
  ParseOptions options;
  options.allow_duplicate_keys = true;
  options.max_depth = 1024;
  std::map<char, int> seen;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    const bool parsed = Parse(ReadAll(entry.path()), name, Syntax::kJson, options).has_value();
    ++seen[name[0]];
    if (name[0] == 'y') {
      EXPECT_TRUE(parsed) << name;
    }
    if (name[0] == 'n') {
      EXPECT_FALSE(parsed) << name;
    }
  }
  EXPECT_EQ(seen['y'], 95);
  EXPECT_EQ(seen['n'], 188);
}

// toml-test writes a leaf as {"type": ..., "value": ...}.
bool MatchesTagged(const Value& ours, const Value& tagged) {
  if (tagged.Find("type") != nullptr && tagged.Find("value") != nullptr &&
      tagged.Find("type")->as_string()) {
    const std::string& type = *tagged.Find("type")->as_string();
    const std::string& text = *tagged.Find("value")->as_string();
    if (type == "string") return ours.as_string() && *ours.as_string() == text;
    if (type == "bool") return ours.as_bool() && *ours.as_bool() == (text == "true");
    if (type == "integer") return ours.as_integer() && std::to_string(*ours.as_integer()) == text;
    if (type == "float") {
      const double expected = std::strtod(text.c_str(), nullptr);
      return ours.as_float() && (*ours.as_float() == expected ||
                                 (std::isnan(expected) && std::isnan(*ours.as_float())));
    }
    return ours.as_string() != nullptr;  // dates and times: the text may be written in two ways
  }
  if (tagged.as_map()) {
    if (!ours.as_map() || ours.as_map()->size() != tagged.as_map()->size()) return false;
    for (const Member& member : *tagged.as_map()) {
      const Value* value = ours.Find(member.key);
      if (value == nullptr || !MatchesTagged(*value, member.value)) return false;
    }
    return true;
  }
  if (tagged.as_list()) {
    return ours.as_list() &&
           std::equal(ours.as_list()->begin(), ours.as_list()->end(), tagged.as_list()->begin(),
                      tagged.as_list()->end(), MatchesTagged);
  }
  return false;
}

TEST(TomlConformance, AgreesWithTomlTestForVersionOne) {
  const fs::path folder = SuiteFolder("toml");
  if (!fs::is_directory(folder)) GTEST_SKIP() << "set ASSAY_DATA to run the TOML test suite";
  std::istringstream list(ReadAll(folder / "files-toml-1.0.0"));
  std::set<std::string> wrong;
  int cases = 0;
  for (std::string name; std::getline(list, name);) {
    if (!name.ends_with(".toml") || !fs::exists(folder / name)) continue;
    ++cases;
    const auto document = Parse(ReadAll(folder / name), name, Syntax::kToml);
    if (name.starts_with("invalid/")) {
      if (document) wrong.insert(name);
      continue;
    }
    fs::path json_path = folder / name;
    const auto expected = Parse(ReadAll(json_path.replace_extension(".json")), name, Syntax::kJson);
    ASSERT_TRUE(expected.has_value()) << expected.error().message;
    if (!document || !MatchesTagged(document->root, expected->root)) wrong.insert(name);
  }
  EXPECT_GT(cases, 600);
  EXPECT_EQ(wrong, std::set<std::string>{});
}

}  // namespace
}  // namespace assay::config
