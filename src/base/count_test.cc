#include "base/count.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>

namespace prefiqs {
namespace {

TEST(Count, OneHasItsOwnWord) {
  EXPECT_EQ(Count(0, "picture"), "0 pictures");
  EXPECT_EQ(Count(1, "picture"), "1 picture");
  EXPECT_EQ(Count(std::size_t{2}, "picture"), "2 pictures");
  EXPECT_EQ(Count(std::int64_t{1}, "person", "people"), "1 person");
  EXPECT_EQ(Count(-1, "person", "people"), "-1 people");
  EXPECT_EQ(WordFor(1, "has", "have"), "has");
  EXPECT_EQ(WordFor(0, "has", "have"), "have");
  EXPECT_EQ(WordFor(21, "face"), "faces");
}

}  // namespace
}  // namespace prefiqs
