export async function POST(request: Request): Promise<Response> {
  return new Response(await request.text(), { status: 201 });
}
