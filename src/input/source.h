// What the user named -> a stream of pictures to read, in a fixed order.
#ifndef PREFIQS_INPUT_SOURCE_H_
#define PREFIQS_INPUT_SOURCE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <prefiqs/image.h>

namespace prefiqs::input {

// One picture that can be read when its turn comes.
struct Item {
  std::string name;  // the row's name: the path as found, or FILE#INDEX; any bytes
  std::string path;  // file to open
  // Set: the encoded picture lies in `path` at this offset with this length (verification sets).
  std::int64_t offset = -1;
  std::int64_t length = 0;
};

// Expands files, folders (recursive; sorted by bytes; pictures recognised by extension), "@list" files, "-" (list on
// standard input) and InsightFace .bin sets. Throws Error(kIo) naming what does not exist, cannot be read, or is an
// empty folder; a file in a list that does not exist is an Item all the same and fails later, as a row. A file named
// directly is taken whatever its extension.
std::vector<Item> ListItems(const std::vector<std::string>& inputs);

// Reads and decodes it. Never throws for what the bytes hold. Thread-safe.
DecodedImage Read(const Item& item, const ImageLimits& limits);

}  // namespace prefiqs::input

#endif  // PREFIQS_INPUT_SOURCE_H_
