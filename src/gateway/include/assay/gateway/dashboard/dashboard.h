// assay/gateway/dashboard/dashboard.h: the pages under /dashboard and what they ask.
// Room: gateway (uses cache, crypto, telemetry).  Threads: made by one thread; its handlers run on
// the compute pool. Security: docs/dashboard.md says what is protected and how.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "assay/core/clock.h"
#include "assay/core/result.h"
#include "assay/gateway/dashboard/sources.h"
#include "assay/gateway/router.h"

namespace assay::gateway::dashboard {

// In the data folder: the Argon2id hash of the admin password, mode 0600.
inline constexpr std::string_view kPasswordFile = "dashboard.password";
inline constexpr std::size_t kMinPasswordBytes = 8;
inline constexpr std::size_t kMaxPasswordBytes = 1024;

// Errors: kInvalidArgument for a length out of bounds.
[[nodiscard]] Result<void> CheckPasswordLength(std::string_view password);
// Hashes the password and replaces the file in one step. Errors: kInvalidArgument for a length out
// of bounds; those of the disk.
[[nodiscard]] Result<void> SetPassword(const std::string& path, std::string_view password);

struct Options {
  std::string version = {};
  std::string password_file = {};  // read at each sign-in, so a new password needs no restart
  // From the configuration, in place of the file: an Argon2id string, or the password itself (it is
  // hashed at once). Empty: the file counts.
  std::string password = {};
  std::int64_t session_ms = 12LL * 3'600'000;
  bool secure_cookie = false;    // true where the gateway itself speaks TLS
  core::Clock* clock = nullptr;  // null is the real one
};

class Dashboard {
 public:
  // `sources` must outlive it. Errors: kInvalidArgument for a password of the configuration that
  // is too short, or for a broken Argon2id string.
  [[nodiscard]] static Result<std::unique_ptr<Dashboard>> Make(Options options, Sources& sources);
  ~Dashboard();
  Dashboard(const Dashboard&) = delete;
  Dashboard& operator=(const Dashboard&) = delete;

  // Adds GET /dashboard..., and /dashboard/api/... The router must not outlive this object.
  // Errors: those of Router::Add.
  [[nodiscard]] Result<void> AddRoutes(Router& router);

 private:
  class Impl;
  explicit Dashboard(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace assay::gateway::dashboard
