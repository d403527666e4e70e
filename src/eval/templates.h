// Templates, which IJB-B and IJB-C compare: pictures of a person that stand for them together.
#ifndef PREFIQS_EVAL_TEMPLATES_H_
#define PREFIQS_EVAL_TEMPLATES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "eval/comparisons.h"
#include "eval/npy_matrix.h"

namespace prefiqs::eval {

struct TemplatePairs {
  std::string path;                // for messages
  Comparisons comparisons;         // of templates by their numbers here; similarities are left to be filled
  std::vector<std::uint32_t> ids;  // of each template, in the order in which the pairs name them
  std::vector<std::size_t> lines;  // where each is named first
};

// IJB's template_pair_label.txt: lines "TID TID LABEL", LABEL 1 for one person and 0 for two. Throws Error(kIo) naming
// file, line and cause.
TemplatePairs ReadTemplatePairs(const std::string& path);

struct TemplatePicture {
  std::string name;  // as a PairList has them
  std::uint32_t of = 0;
  std::uint32_t medium = 0;  // a still, or the video that it is a frame of
};

// IJB's face_tid_mid.txt: lines "NAME TID MID". Those of templates that are not compared are left out. Throws as above,
// and Error(kUsage) for a compared template without a line.
std::vector<TemplatePicture> ReadTemplatePictures(const std::string& path, const TemplatePairs& pairs);

struct TemplateMember {
  std::uint32_t image = 0;  // a picture's number
  std::uint32_t of = 0, medium = 0;
};

// Of each template its pictures' mean by medium, summed over the media, normalised; as InsightFace's published script
// has it: of embeddings as they are, so that short ones, of pictures the network makes little of, count for less.
// added: a picture's embedding is the sum of its rows in these, of equal width (with the mirrored one, say). row: of
// each image. A picture with a value that is not finite, or nothing but zeros, is left out; empty: a template without
// any other. Rows are read one by one, in the files' order, and not held.
std::vector<std::vector<float>> TemplateEmbeddings(std::span<const NpyReader* const> added,
                                                   std::span<const std::size_t> row,
                                                   std::vector<TemplateMember> members, std::size_t templates);

// The lowest of each template's pictures; NaN where one is missing, or, with `skip_missing`, where all are.
std::vector<float> TemplateQualities(std::span<const float> quality, std::span<const TemplateMember> members,
                                     std::size_t templates, bool skip_missing = false);

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_TEMPLATES_H_
