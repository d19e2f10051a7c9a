// assay keys create|list|revoke
#include <algorithm>
#include <memory>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "assay/core/clock.h"
#include "assay/crypto/key_store.h"

#include "command.h"
#include "commands/key_options.h"
#include "json_output.h"

namespace assay::cli {
namespace {

constexpr std::int64_t kNanosecondsPerMs = 1'000'000;
constexpr double kNanosPerUsd = 1e9;

struct KeysOptions {
  StateOptions state;
  bool json = false;
  // create
  std::string name;
  std::string tenant = "default";
  std::string scopes = "inference";
  std::string expires;
  std::string period = "month";
  std::uint64_t requests = 0;
  std::uint64_t tokens = 0;
  std::string cost;
  // list
  bool all = false;
  // revoke
  std::vector<std::string> ids;
};

std::int64_t NowMs() {
  return core::Clock::Real().wall_ns() / kNanosecondsPerMs;
}

std::string_view StatusOf(const crypto::KeyInfo& key, std::int64_t now_ms) {
  if (key.revoked_ms) return "revoked";
  if (key.spec.expires_ms && *key.spec.expires_ms <= now_ms) return "expired";
  return "valid";
}

boost::json::value OrNull(const std::optional<std::int64_t>& number) {
  return number ? boost::json::value(*number) : boost::json::value(nullptr);
}

boost::json::object ToJson(const crypto::Usage& usage) {
  return {{"requests", usage.requests},
          {"tokens", usage.tokens},
          {"cost_usd", static_cast<double>(usage.cost_nanousd) / kNanosPerUsd}};
}

boost::json::object ToJson(const crypto::KeyInfo& key, std::int64_t now_ms) {
  boost::json::object limit = ToJson(key.spec.budget.limit);
  for (auto& [name, value] : limit) {
    if (value.to_number<double>() == 0) value = nullptr;  // no limit
  }
  boost::json::array scopes;
  for (std::size_t i = 0; i < crypto::kScopeNames.size(); ++i) {
    if (key.spec.scopes.Holds(static_cast<crypto::Scope>(i))) {
      scopes.emplace_back(crypto::kScopeNames[i]);
    }
  }
  return {{"id", key.id.view()},
          {"name", key.spec.name},
          {"tenant", key.spec.tenant},
          {"scopes", std::move(scopes)},
          {"status", StatusOf(key, now_ms)},
          {"created_ms", key.created_ms},
          {"expires_ms", OrNull(key.spec.expires_ms)},
          {"revoked_ms", OrNull(key.revoked_ms)},
          {"period", crypto::PeriodName(key.spec.budget.period)},
          {"limit", std::move(limit)},
          {"used", ToJson(key.used)}};
}

Result<crypto::KeySpec> SpecOf(const KeysOptions& options) {
  crypto::KeySpec spec;
  spec.name = options.name;
  spec.tenant = options.tenant;
  ASSAY_ASSIGN(spec.scopes, crypto::ScopeSet::Parse(options.scopes));
  ASSAY_ASSIGN(spec.budget.period, crypto::ParsePeriod(options.period));
  spec.budget.limit.requests = options.requests;
  spec.budget.limit.tokens = options.tokens;
  if (!options.cost.empty()) {
    ASSAY_ASSIGN(spec.budget.limit.cost_nanousd, ParseUsd(options.cost));
  }
  // Without limits usage is counted over the key's whole life.
  if (spec.budget.limit == crypto::Usage{}) spec.budget.period = crypto::Period::kTotal;
  if (!options.expires.empty()) {
    ASSAY_ASSIGN(const std::int64_t expires_ms, ParseMoment(options.expires, NowMs()));
    spec.expires_ms = expires_ms;
  }
  return spec;
}

Result<int> RunCreate(const KeysOptions& options, const Painter& paint) {
  ASSAY_ASSIGN(const crypto::KeySpec spec, SpecOf(options));
  ASSAY_ASSIGN(const auto store, OpenStore(options.state, false));
  ASSAY_ASSIGN(const crypto::NewKey made, store->Create(spec, ActorName()));
  if (options.json) {
    fmt::print("{}", PrettyJson({{"id", made.id.view()}, {"token", made.token.view()}}));
    return kExitSuccess;
  }
  fmt::print("{}\n", made.token.view());
  if (::isatty(STDOUT_FILENO) == 1) {
    fmt::print(stderr, "{}\n",
               paint.Dim("This is the only time that the key is shown: keep it. Its identifier "
                         "is the part between the underscores."));
  }
  return kExitSuccess;
}

// "3/1000 requests, 0.5/20 USD a month", or what was used where there is no limit.
std::string UsageText(const crypto::KeyInfo& key) {
  std::string text;
  const crypto::Usage& limit = key.spec.budget.limit;
  const auto add = [&](std::string part) { text += (text.empty() ? "" : ", ") + std::move(part); };
  const auto usd = [](std::uint64_t nanos) {
    return fmt::format("{:.4g}", static_cast<double>(nanos) / kNanosPerUsd);
  };
  if (limit.requests != 0) add(fmt::format("{}/{} requests", key.used.requests, limit.requests));
  if (limit.tokens != 0) add(fmt::format("{}/{} tokens", key.used.tokens, limit.tokens));
  if (limit.cost_nanousd != 0) {
    add(fmt::format("{}/{} USD", usd(key.used.cost_nanousd), usd(limit.cost_nanousd)));
  }
  if (text.empty()) {
    return fmt::format("{} requests, {} tokens, {} USD", key.used.requests, key.used.tokens,
                       usd(key.used.cost_nanousd));
  }
  const bool total = key.spec.budget.period == crypto::Period::kTotal;
  return text + (total ? std::string(" in all")
                       : fmt::format(" a {}", crypto::PeriodName(key.spec.budget.period)));
}

// Rows of equal numbers of cells, in columns as wide as their widest cell.
void PrintTable(const std::vector<std::vector<std::string>>& rows, const Painter& paint) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      line += i + 1 == widths.size() ? rows[r][i] : fmt::format("{:<{}}  ", rows[r][i], widths[i]);
    }
    fmt::print("{}\n", r == 0 ? paint.Bold(line) : line);
  }
}

Result<int> RunList(const KeysOptions& options, const Painter& paint) {
  ASSAY_ASSIGN(const auto store, OpenStore(options.state, true));
  ASSAY_ASSIGN(const std::vector<crypto::KeyInfo> keys, store->List());
  const std::int64_t now_ms = NowMs();
  boost::json::array listed;
  std::vector<std::vector<std::string>> rows = {
      {"ID", "STATUS", "NAME", "TENANT", "SCOPES", "CREATED", "EXPIRES", "USED"}};
  for (const crypto::KeyInfo& key : keys) {
    const std::string_view status = StatusOf(key, now_ms);
    if (!options.all && status != "valid") continue;
    if (options.json) {
      listed.push_back(ToJson(key, now_ms));
      continue;
    }
    rows.push_back({std::string(key.id.view()), std::string(status), key.spec.name, key.spec.tenant,
                    key.spec.scopes.ToText(), ShortTime(key.created_ms),
                    key.spec.expires_ms ? ShortTime(*key.spec.expires_ms) : "never",
                    UsageText(key)});
  }
  if (options.json) {
    fmt::print("{}", PrettyJson({{"keys", std::move(listed)}}));
  } else {
    PrintTable(rows, paint);
  }
  return kExitSuccess;
}

Result<int> RunRevoke(const KeysOptions& options, const Painter&) {
  ASSAY_ASSIGN(const auto store, OpenStore(options.state, true));
  boost::json::array revoked;
  for (const std::string& id : options.ids) {
    ASSAY_ASSIGN(const crypto::KeyInfo key, store->Revoke(id, ActorName()));
    if (options.json) {
      revoked.push_back(ToJson(key, NowMs()));
    } else {
      fmt::print("revoked {} ({})\n", key.id.view(), key.spec.name);
    }
  }
  if (options.json) fmt::print("{}", PrettyJson({{"keys", std::move(revoked)}}));
  return kExitSuccess;
}

using Run = Result<int> (*)(const KeysOptions&, const Painter&);

CLI::App* AddOne(CLI::App& keys, const std::shared_ptr<KeysOptions>& options,
                 Invocation& invocation, const std::string& name, const std::string& what,
                 Run run) {
  CLI::App* command = keys.add_subcommand(name, what);
  AddStateOptions(*command, options->state);
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([&invocation, options, run] {
    invocation.run = [&invocation, options, run] {
      return run(*options, Painter(invocation.color, STDOUT_FILENO));
    };
  });
  return command;
}

void AddCreate(CLI::App& keys, const std::shared_ptr<KeysOptions>& options,
               Invocation& invocation) {
  CLI::App* create =
      AddOne(keys, options, invocation, "create", "Make a key and print it, this once", RunCreate);
  create->add_option("--name", options->name, "Who or what it is for")->required();
  create->add_option("--tenant", options->tenant,
                     "Whose answers it may see in the cache; default: default");
  create->add_option("--scope", options->scopes,
                     "What it opens, with commas: inference, claims, cache, admin; default: "
                     "inference");
  create
      ->add_option("--expires", options->expires,
                   "After 45m, 12h or 30d, or on a day such as 2027-01-31; default: never")
      ->option_text("WHEN");
  create->add_option("--requests", options->requests, "Budget: requests a period");
  create->add_option("--tokens", options->tokens, "Budget: tokens a period");
  create->add_option("--cost", options->cost, "Budget: US dollars a period")->option_text("USD");
  create->add_option("--per", options->period,
                     "Period of the budget, in UTC: hour, day, month or total; default: month");
  create->footer(
      "Examples:\n  assay keys create --name web-shop --tenant shop --cost 20 --per month\n"
      "  assay keys create --name nightly --scope inference,claims --requests 5000 --per day "
      "--expires 90d\n"
      "  export OPENAI_API_KEY=$(assay keys create --name me)");
}

}  // namespace

void AddKeysCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<KeysOptions>();
  CLI::App* keys = app.add_subcommand("keys", "Make, list and revoke the gateway's API keys");
  keys->require_subcommand(1);
  keys->footer("Example:\n  assay keys create --name web-shop --cost 20 --per month");
  AddCreate(*keys, options, invocation);
  CLI::App* list =
      AddOne(*keys, options, invocation, "list", "Show the keys and what they have used", RunList);
  list->add_flag("--all", options->all, "Also those that are revoked or have expired");
  list->footer("Examples:\n  assay keys list\n  assay keys list --all --json");
  CLI::App* revoke = AddOne(*keys, options, invocation, "revoke",
                            "End keys; a running gateway refuses them within a second", RunRevoke);
  revoke->add_option("id", options->ids, "Identifiers of assay keys list, or whole keys")
      ->required();
  revoke->footer("Example:\n  assay keys revoke Ab3dE5f7");
  AddKeyFileCommand(*keys, invocation);
}

}  // namespace assay::cli
