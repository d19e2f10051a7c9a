#include <barrier>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "store/sqlite_internal.h"
#include "temp_dir.h"

namespace assay::crypto {
namespace {

TEST(Database, ManyTurnOnTheLogOfANewFileAtOnce) {
  constexpr int kFiles = 100;
  constexpr int kConnections = 6;
  const assay::testing::TempDir folder;
  for (int file = 0; file < kFiles; ++file) {
    const std::string path = folder.File(std::to_string(file));
    ASSERT_TRUE(std::ofstream(path)) << path;
    std::barrier begin(kConnections);
    std::vector<std::string> errors(kConnections);
    {
      std::vector<std::jthread> threads;
      for (std::string& error : errors) {
        threads.emplace_back([&begin, &error, &path] {
          Result<Database> database = Database::Open(path);
          begin.arrive_and_wait();
          if (!database) {
            error = database.error().message;
          } else if (const Result<void> done = database->UseWriteAheadLog(); !done) {
            error = done.error().message;
          }
        });
      }
    }
    EXPECT_EQ(errors, std::vector<std::string>(kConnections)) << path;
  }
}

}  // namespace
}  // namespace assay::crypto
