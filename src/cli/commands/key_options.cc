#include "commands/key_options.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include "assay/core/clock.h"

namespace assay::cli {
namespace {

constexpr std::size_t kMaxPassphraseBytes = 4096;
constexpr std::int64_t kMinuteMs = 60'000;

// NOLINTNEXTLINE(concurrency-mt-unsafe): nothing here changes the environment
std::string Variable(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

template <typename Number>
bool Parse(std::string_view text, Number& number) {
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stopped == end && !text.empty();
}

}  // namespace

void AddStateOptions(CLI::App& command, StateOptions& options) {
  command
      .add_option("--state", options.directory,
                  "Folder of keys and audit log; default: $XDG_STATE_HOME/assay, else "
                  "~/.local/state/assay")
      ->envname("ASSAY_STATE")
      ->option_text("DIR");
  command
      .add_option("--passphrase-file", options.passphrase_file,
                  "File (mode 0600) with the passphrase of the key file, if it has one; or set "
                  "ASSAY_KEY_PASSPHRASE")
      ->option_text("FILE");
}

Result<std::string> StateDirectory(const std::string& chosen) {
  if (!chosen.empty()) return chosen;
  // A relative path is to be ignored (XDG Base Directory Specification 0.8).
  if (const std::string state = Variable("XDG_STATE_HOME"); state.starts_with('/')) {
    return state + "/assay";
  }
  if (const std::string home = Variable("HOME"); !home.empty()) {
    return home + "/.local/state/assay";
  }
  return Fail(Code::kInvalidArgument, "neither XDG_STATE_HOME nor HOME is set; name --state DIR");
}

Result<crypto::SecretString> ReadPassphrase(const std::string& file) {
  if (file.empty()) return crypto::SecretBytes::Copy(Variable("ASSAY_KEY_PASSPHRASE"));
  ASSAY_ASSIGN(crypto::SecretBytes content, crypto::ReadSecretFile(file, kMaxPassphraseBytes));
  std::string_view text = content.view();
  if (text.ends_with('\n')) text.remove_suffix(1);
  return crypto::SecretBytes::Copy(text);
}

Result<std::unique_ptr<crypto::KeyStore>> OpenStore(const StateOptions& options, bool must_exist) {
  crypto::KeyStoreOptions store;
  ASSAY_ASSIGN(store.directory, StateDirectory(options.directory));
  ASSAY_ASSIGN(store.passphrase, ReadPassphrase(options.passphrase_file));
  store.must_exist = must_exist;
  store.sync_every_ms = 0;
  return crypto::KeyStore::Open(std::move(store));
}

std::string ActorName() {
  std::array<char, 4096> buffer{};
  passwd entry = {};
  passwd* found = nullptr;
  if (::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found) == 0 &&
      found != nullptr) {
    return fmt::format("cli:{}", entry.pw_name);
  }
  return fmt::format("cli:{}", ::geteuid());
}

std::string ShortTime(std::int64_t unix_ms) {
  using std::chrono::days;
  using std::chrono::floor;
  using std::chrono::minutes;
  const std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds{unix_ms}};
  const auto day = floor<days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{floor<minutes>(time - day)};
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count());
}

Result<std::int64_t> ParseMoment(std::string_view text, std::int64_t now_ms) {
  const auto wrong = [&] {
    return Fail(
        Code::kInvalidArgument,
        fmt::format("'{}' is no time; write 45m, 12h, 30d or a day such as 2027-01-31", text));
  };
  if (text.size() == 10 && text[4] == '-' && text[7] == '-') {
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    if (!Parse(text.substr(0, 4), year) || !Parse(text.substr(5, 2), month) ||
        !Parse(text.substr(8, 2), day)) {
      return wrong();
    }
    const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{month},
                                           std::chrono::day{day}};
    if (!date.ok()) return wrong();
    return std::chrono::sys_time<std::chrono::milliseconds>{std::chrono::sys_days{date}}
        .time_since_epoch()
        .count();
  }
  std::uint32_t amount = 0;
  if (text.size() < 2 || !Parse(text.substr(0, text.size() - 1), amount)) return wrong();
  switch (text.back()) {
    case 'm':
      return now_ms + amount * kMinuteMs;
    case 'h':
      return now_ms + amount * 60 * kMinuteMs;
    case 'd':
      return now_ms + amount * 24 * 60 * kMinuteMs;
    default:
      return wrong();
  }
}

Result<std::uint64_t> ParseUsd(std::string_view text) {
  const auto wrong = [&] {
    return Fail(Code::kInvalidArgument,
                fmt::format("'{}' is no amount of dollars; write 20 or 0.5, with at most 9 "
                            "decimals",
                            text));
  };
  constexpr std::uint64_t kNanos = 1'000'000'000;
  const std::size_t dot = text.find('.');
  std::string decimals(dot == std::string_view::npos ? "" : text.substr(dot + 1));
  if (decimals.size() > 9 || (dot != std::string_view::npos && decimals.empty())) return wrong();
  decimals.resize(9, '0');
  std::uint64_t whole = 0;
  std::uint64_t part = 0;
  if (!Parse(text.substr(0, dot), whole) || !Parse(std::string_view(decimals), part) ||
      whole > UINT64_MAX / kNanos / 2) {
    return wrong();
  }
  return whole * kNanos + part;
}

}  // namespace assay::cli
