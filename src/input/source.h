// What the user named -> a stream of pictures to read, in a fixed order.
#ifndef PREFIQS_INPUT_SOURCE_H_
#define PREFIQS_INPUT_SOURCE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <prefiqs/image.h>

namespace prefiqs::input {

// One picture that can be read when its turn comes. Of a run over millions these are the memory.
struct Item {
  std::string name;         // the row's name: the path as found, or FILE#INDEX (from 0); any bytes
  std::int64_t number = 0;  // its place among all that ListItems() gives, from 1
  std::string path{};       // file to open, where that is not the name
  // Set: the encoded picture lies in `path` at this offset with this length (verification sets).
  std::int64_t offset = -1;
  std::int64_t length = 0;
  // Set: the encoded picture itself, where a verification set holds it in a form that had to be decoded.
  std::shared_ptr<const std::vector<std::uint8_t>> held{};
  // Anything but a regular file is unreadable: a pipe that a list or folder holds would be waited for in vain.
  bool regular_only = false;

  const std::string& file() const { return path.empty() ? name : path; }
};

// Expands, in the order given:
//   a file       taken whatever its extension; an InsightFace verification set if that is .bin (any case);
//   a folder     every picture in it and in the folders below, sorted by the bytes of the path. Pictures are recognised
//                by extension, in any case: jpg jpeg jpe png webp jp2 j2k j2c jpf pgm ppm pbm pnm pam. Names that
//                begin with a dot are passed over, files and folders alike. Symbolic links are followed, and every
//                folder is entered once, so that loops end;
//   "@FILE"      a list: one path a line, relative to the working folder, any bytes but zero; a carriage return at the
//                end of the line is not part of it; empty lines are passed over. Only files (.bin sets too) are named
//                in lists;
//   "-"          a list on standard input.
// A file whose own name begins with @, or is -, is given as ./@name.
// Throws Error(kIo) naming what does not exist, cannot be read, is malformed, or holds no picture; a file in a list
// that does not exist is an Item all the same and fails later, as a row.
std::vector<Item> ListItems(const std::vector<std::string>& inputs);

// Reads and decodes it. Never throws for what the bytes hold. Thread-safe.
DecodedImage Read(const Item& item, const ImageLimits& limits);

}  // namespace prefiqs::input

#endif  // PREFIQS_INPUT_SOURCE_H_
