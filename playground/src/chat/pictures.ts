/** Takes pictures from files, the clipboard or a drop, and makes of each the URL that holds it. */

/** The largest picture, in bytes: a request has a largest size, too. */
const LARGEST = 10_000_000

/** The pictures among files as data: URLs, in their order, and how many were too large. */
export async function picturesIn(files: Iterable<File>): Promise<{ urls: string[]; tooLarge: number }> {
  const pictures = [...files].filter((file) => file.type.startsWith("image/"))
  const small = pictures.filter((file) => file.size <= LARGEST)
  return { urls: await Promise.all(small.map(urlOf)), tooLarge: pictures.length - small.length }
}

function urlOf(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => resolve(String(reader.result))
    reader.onerror = () => reject(reader.error)
    reader.readAsDataURL(file)
  })
}
