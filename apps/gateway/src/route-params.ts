import { isContentId } from '@macronode/content';
import { Name, ServiceError, type ContentId } from '@macronode/contracts';
import { Param, type PipeTransform } from '@nestjs/common';

const contentId: PipeTransform<string, ContentId> = {
  transform(value) {
    if (!isContentId(value)) throw new ServiceError('bad_id');
    return value;
  },
};

const name: PipeTransform<string, Name> = {
  transform(value) {
    const result = Name.safeParse(value);
    if (!result.success) throw new ServiceError('bad_name', result.error.issues[0]?.message);
    return result.data;
  },
};

/** The `{id}` of the path, or `bad_id`. */
export const IdParam = (): ParameterDecorator => Param('id', contentId);

/** The `{name}` of the path, or `bad_name`. */
export const NameParam = (): ParameterDecorator => Param('name', name);
