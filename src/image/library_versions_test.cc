#include "image/library_versions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prefiqs::image {
namespace {

using ::testing::ElementsAre;
using ::testing::MatchesRegex;

TEST(LibraryVersions, NamesEveryDecoder) {
  EXPECT_THAT(LibraryVersions(),
              ElementsAre(MatchesRegex("libjpeg(-turbo [0-9]+\\.[0-9]+)?[. ][0-9]+"),
                          MatchesRegex("libpng 1\\.[0-9]+\\.[0-9]+"), MatchesRegex("libwebp [0-9]+\\.[0-9]+\\.[0-9]+"),
                          MatchesRegex("openjpeg 2\\.[0-9]+\\.[0-9]+")));
}

}  // namespace
}  // namespace prefiqs::image
