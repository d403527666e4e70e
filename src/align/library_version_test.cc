#include "align/library_version.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prefiqs::align {
namespace {

TEST(LibraryVersion, NamesOpenCv) {
  EXPECT_THAT(LibraryVersion(), ::testing::MatchesRegex("opencv [0-9]+\\.[0-9]+\\.[0-9]+.*"));
}

}  // namespace
}  // namespace prefiqs::align
