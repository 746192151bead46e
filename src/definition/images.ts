import * as v from "valibot";
import { image, mapOf, pattern } from "./values";

/** Programs that come as images. */
export const PROGRAMS = [
  "emqx",
  "rabbitmq",
  "haproxy",
  "nginx",
  "nginx-exporter",
  "redis",
  "redis-exporter",
  "webdis",
  "prometheus",
  "alertmanager",
] as const;

export const PORT = "(?:6553[0-5]|655[0-2]\\d|65[0-4]\\d{2}|6[0-4]\\d{3}|[1-5]\\d{4}|[1-9]\\d{0,3})";

export const registrySchema = pattern(
  new RegExp(`^[a-z0-9]+(?:[.-]+[a-z0-9]+)*(?::${PORT})?(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$`),
  'a registry without scheme: "registry.example.com/mirror"',
);

export function imagesOf(programs: readonly string[]) {
  return mapOf(
    v.picklist(programs, `is not a program of this package; known: ${programs.join(", ")}`),
    image,
    'must be an object of images by program: { haproxy: "haproxy:3.2.22-alpine" }',
  );
}

export const imagesSchema = imagesOf(PROGRAMS);

/** The image named for the program, or the official one, from the registry if there is one. */
export function imageOf(
  { images, registry }: { readonly images: { readonly [program: string]: string }; readonly registry?: string },
  { program, image: official }: { readonly program: string; readonly image: string },
): string {
  return images[program] ?? (registry ? `${registry}/${official}` : official);
}
