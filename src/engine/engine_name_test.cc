#include "engine/engine_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prefiqs::engine {
namespace {

TEST(EngineName, NamesEachExecutor) {
  EXPECT_THAT(EngineName(ExecutorKind::kOneDnn), ::testing::MatchesRegex("onednn [0-9]+\\.[0-9]+\\.[0-9]+"));
  EXPECT_EQ(EngineName(ExecutorKind::kReference), "reference");
}

}  // namespace
}  // namespace prefiqs::engine
