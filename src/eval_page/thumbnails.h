// Small pictures of the faces that rows speak of.
#ifndef PREFIQS_EVAL_PAGE_THUMBNAILS_H_
#define PREFIQS_EVAL_PAGE_THUMBNAILS_H_

#include <cstdint>
#include <string>
#include <vector>

#include <prefiqs/image.h>

namespace prefiqs::eval_page {

inline constexpr int kThumbnailSide = 112;

struct Thumbnail {
  std::vector<std::uint8_t> jpeg;  // a square; empty where the picture could not be read
  std::string trouble;             // why
};

// Of the pictures at these paths (or FILE.bin#INDEX), which are names in the CSV file `rows`: the face, aligned with
// some room around it, where the row has landmarks, else the picture's middle. Never throws for what pictures hold.
// threads: 0 for usable_processors().
std::vector<Thumbnail> ReadThumbnails(const std::string& rows, const std::vector<std::string>& paths, int threads,
                                      const ImageLimits& limits = {});

}  // namespace prefiqs::eval_page

#endif  // PREFIQS_EVAL_PAGE_THUMBNAILS_H_
