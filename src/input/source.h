// What the user named -> a stream of pictures to read, in a fixed order.
#ifndef PREFIQS_INPUT_SOURCE_H_
#define PREFIQS_INPUT_SOURCE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
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

// Called for each entry of a folder that is not taken, in the order of the paths' bytes within one folder that was
// named. `kind`: the suffix in lower case with its dot (".heic"), or kNoSuffix, kHidden (the name begins with a dot; of
// a folder: once, with what is in it) or kNoRegularFile (a pipe, a device). Both views last as long as the call.
using OnSkipped = std::function<void(std::string_view path, std::string_view kind)>;
inline constexpr std::string_view kNoSuffix = "no suffix", kHidden = "hidden", kNoRegularFile = "no regular file";

// Expands, in the order given:
//   a file       taken whatever its name. Its content says whether it is a picture or an InsightFace verification set
//                (verification_bin.h);
//   a folder     every picture in it and in the folders below, sorted by the bytes of the path. Pictures are recognised
//                by suffix, in any case: jpg jpeg jpe jfif png webp jp2 j2k j2c jpf pgm ppm pbm pnm pam. Names that
//                begin with a dot are skipped, files and folders alike. Symbolic links are followed, and every
//                folder is entered once, so that loops end. What is skipped is told to `on_skipped`;
//   "@FILE"      a list: one path a line, relative to the working folder, any bytes but zero; a carriage return at the
//                end of the line is not part of it, nor is a byte order mark in front of the file; empty lines are
//                passed over. Only files are named in lists. One without the suffix of a picture is looked into, as a
//                file that is named; the others are not, because opening every file of a long list takes long;
//   "-"          a list on standard input.
// A file whose own name begins with @, or is -, is given as ./@name.
// Throws Error(kIo) naming what does not exist, cannot be read, is malformed, or holds no picture; a file in a list
// that does not exist is an Item all the same and fails later, as a row.
std::vector<Item> ListItems(const std::vector<std::string>& inputs, const OnSkipped& on_skipped = {});

// Whether the name has the suffix of a picture, as files of a folder have to.
bool HasPictureSuffix(std::string_view name);

// Reads and decodes it. Never throws for what the bytes hold. Thread-safe.
DecodedImage Read(const Item& item, const ImageLimits& limits);

}  // namespace prefiqs::input

#endif  // PREFIQS_INPUT_SOURCE_H_
